import type { Pages } from '../server/page-route.ts';
import { type EditUseCases, editPages } from './edit-pages.ts';
import { type EditingParts, type NewConnectionUseCases, newConnectionPages } from './new-connection-pages.ts';

export type EditingUseCases = NewConnectionUseCases & EditUseCases;

export function editingPages(pages: Pages, useCases: EditingUseCases, parts: EditingParts): void {
  newConnectionPages(pages, useCases, parts);
  editPages(pages, useCases, parts);
}
