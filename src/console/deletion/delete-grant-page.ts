import { grantPage } from '../../domain/console/console-pages.ts';
import { html, type Markup } from '../../markup/html.ts';
import { asCurl } from '../layout/acts.ts';
import { notice } from '../layout/notices.ts';
import { type EndingGrant, endsPanel, grantLabel, placeOf, typedName } from './revoke-page.ts';

/** Shows what the deletion of a grant ends, and the form that deletes it. */
export function deleteGrantPage(ending: EndingGrant): Markup {
  const { visit, connection, grant, sent } = ending;
  const { href, csrfField, actor, baseUrl } = visit;
  const place = placeOf(connection, visit, grant);
  const isBelowGlobal = connection.organizationId === null && grant.organizationId !== null;
  return html`<div class="title"><h1>Delete the grant: ${grantLabel(grant)}</h1>
<a href="${href(grantPage(place))}">Back to the grant</a></div>
${
  grant.revokedAt === null
    ? notice(
        'warn',
        html`A deletion revokes nothing at the provider: its tokens there live on until they expire. <a href="${href(grantPage(place, 'revoke'))}">Revoke the grant</a> first to end them.`,
      )
    : null
}
${endsPanel(ending)}
<form method="post" action="${href(grantPage(place, 'delete'))}" class="panel fields wide">${csrfField}
<h2>Delete it for good</h2>
<p>The broker forgets the grant and its tokens.${
    isBelowGlobal && grant.subject === null && connection.settings.shareWithOrganizations
      ? ' Afterwards the shared grant of the global connection serves the organisation, if there is one.'
      : ''
  }</p>
${typedName(connection, actor.organizationId === null, sent?.typedFault)}
<div class="act-row"><button class="bad">Delete the grant</button><a class="button quiet" href="${href(grantPage(place))}">Keep it</a></div>
</form>
${asCurl({
  method: 'DELETE',
  baseUrl,
  path: `/connections/${connection.name}/grants/${grant.id}`,
  organizationId: actor.organizationId,
})}`;
}
