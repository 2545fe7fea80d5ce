import type { OrganizationId } from '../../domain/connections/connection.ts';

export const workflowsPath = '/console/workflows';

/** Path of a workflow's page, or of an act on it, for the organisation. */
export function workflowPage(id: string, organizationId: OrganizationId, act?: 'enable' | 'disable'): string {
  const query = new URLSearchParams({ organization: organizationId ?? '' });
  return `${workflowsPath}/${encodeURIComponent(id)}${act === undefined ? '' : `/${act}`}?${query}`;
}
