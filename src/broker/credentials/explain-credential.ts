import { accessOf } from '../../domain/callers/access.ts';
import { type Actor, mayReadCredentialsOf, requirePermission } from '../../domain/callers/caller.ts';
import { type BrokerError, isBrokerError } from '../../domain/errors.ts';
import type { CredentialMatch, ServableGrant } from '../../domain/grants/credential.ts';
import type { NextAction } from '../../domain/next-action.ts';
import type { CredentialLookup } from '../../domain/ports/engine.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { CredentialOfGrant } from './credential-of-grant.ts';
import type { ExplainedStep, StepName } from './explained-steps.ts';
import * as describe from './explained-steps.ts';
import {
  type CredentialRequest,
  connectionNotFound,
  nameNotCovered,
  type RefuseSelection,
  type Servable,
} from './get-credential.ts';
import type { PreviewRefresh } from './preview-refresh.ts';
import type { RequireEnabled } from './require-enabled.ts';
import type { PlannedServing, ServeCredential } from './serve-credential.ts';

export interface Explanation {
  steps: ExplainedStep[];
  /** Refusal of the fetch: that of the first refused step. Null if it serves a token, or would if its refresh works. */
  refusal: BrokerError | null;
  /** Next action of the served credential. */
  nextAction: NextAction;
}

/**
 * Explains a fetch by the functions that the fetch itself calls. Calls no provider, writes nothing, opens no token.
 * A step that is refused decides the answer, and the steps behind it are still explained where that is possible.
 */
export type ExplainCredential = (actor: Actor, request: CredentialRequest) => Promise<Explanation>;

export interface ExplainCredentialDeps {
  find: CredentialLookup['find'];
  database: Pick<Database, 'read'>;
  refuseSelection: RefuseSelection;
  requireEnabled: RequireEnabled;
  serving: Pick<ServeCredential, 'plan' | 'demandOf' | 'conclude'>;
  previewRefresh: PreviewRefresh;
  credentialOfGrant: CredentialOfGrant;
  clock: () => Date;
}

export function createExplainCredential(deps: ExplainCredentialDeps): ExplainCredential {
  return async (actor, request) => {
    const trail = createTrail();
    const { caller, organizationId } = actor;
    const { connectionName: name, workflow } = request;
    await trail.step('permission', describe.permission(caller), () =>
      requirePermission(caller, accessOf.getCredential.permission),
    );
    if (workflow !== null) {
      await trail.step('workflow', describe.workflow(workflow), () => deps.requireEnabled(organizationId, workflow));
    }
    await trail.step('name_pattern', describe.namePattern(caller, name), () => {
      if (!mayReadCredentialsOf(caller, name)) throw nameNotCovered();
    });
    const found = await explainSelection(deps, trail, actor, request);
    const nextAction = found === undefined ? 'none' : await explainToken(deps, trail, found, request);
    return { steps: trail.steps, refusal: trail.refusal(), nextAction };
  };
}

/** Finds the connection and its one grant, in the order of the fetch. */
async function explainSelection(
  { find, database, refuseSelection }: ExplainCredentialDeps,
  trail: Trail,
  { organizationId }: Actor,
  { connectionName, subject, accountId }: CredentialRequest,
): Promise<Servable | undefined> {
  const query = { organizationId, connectionName, subject, accountId };
  const match = await find(query);
  if (match === undefined) {
    trail.refuse('connection', connectionNotFound(connectionName), describe.absentConnection(organizationId));
    return undefined;
  }
  const isOwn = match.organizationId !== null;
  const hidesGlobal = isOwn && (await database.read(null).connections.findOwn(connectionName)) !== undefined;
  trail.pass('connection', describe.connection(match, organizationId, hidesGlobal));
  const [grant] = match.grants;
  if (grant !== undefined && match.grants.length === 1) {
    trail.pass('grant', describe.grant(match, grant, organizationId));
    return { match, grant };
  }
  const refusal = await refuseSelection(query, match);
  if (isBrokerError(refusal, 'account_ambiguous')) trail.refuse('grant', refusal, describe.accounts(refusal));
  else {
    const record = await database.read(organizationId).connections.find(connectionName);
    const isShared = record?.connection.settings.shareWithOrganizations ?? false;
    trail.refuse('grant', refusal, describe.noGrant(query, match, isShared));
  }
  return undefined;
}

/** Decides about the token of the grant, and about a refresh of it. */
async function explainToken(
  { serving, previewRefresh, credentialOfGrant, clock }: ExplainCredentialDeps,
  trail: Trail,
  { match, grant }: Servable,
  request: CredentialRequest,
): Promise<NextAction> {
  const planned = await planWithScopes(serving, trail, { match, grant }, request);
  const detail = describe.token(grant, request, clock());
  const nextActionOf = (served: ServableGrant) =>
    served.sealedTokens === null ? 'none' : credentialOfGrant(match, served, served.sealedTokens).nextAction;
  if (!isBrokerError(planned) && planned.kind === 'serve') {
    trail.pass('token', detail);
    trail.pass('refresh', describe.noRefresh(planned.refreshBehind, grant, clock()));
    return nextActionOf(grant);
  }
  if (isBrokerError(planned)) {
    if (planned.code === 'min_ttl_unsatisfiable') trail.refuse('token', planned, detail);
    else {
      trail.add('token', 'insufficient', detail);
      trail.refuse('refresh', planned, describe.refusedRefresh(planned));
    }
    return 'none';
  }
  trail.add('token', 'insufficient', detail);
  const preview = await previewRefresh(grant.id, serving.demandOf(grant, request));
  if (preview.kind !== 'result') {
    trail.add('refresh', 'refresh', describe.expectedRefresh(preview.kind));
    return 'none';
  }
  try {
    const served = serving.conclude(match, preview.result, request);
    trail.pass('refresh', describe.servedWithout(preview));
    return nextActionOf(served);
  } catch (error) {
    if (!isBrokerError(error)) throw error;
    trail.refuse('refresh', error, describe.refusedRefresh(error, preview));
    return 'none';
  }
}

/** Plans as the fetch does. A missing scope is a step of its own, and the plan then goes on without the scopes. */
async function planWithScopes(
  serving: Pick<ServeCredential, 'plan'>,
  trail: Trail,
  { match, grant }: { match: CredentialMatch; grant: ServableGrant },
  request: CredentialRequest,
): Promise<PlannedServing | BrokerError> {
  const planned = planOrRefusal(serving, match, grant, request);
  if (isBrokerError(planned, 'insufficient_scope')) {
    trail.refuse('scopes', planned, describe.scopes(grant));
    return planOrRefusal(serving, match, grant, { ...request, requiredScopes: [] });
  }
  if (request.requiredScopes.length > 0) trail.pass('scopes', 'The grant has each scope that the request names.');
  return planned;
}

function planOrRefusal(
  { plan }: Pick<ServeCredential, 'plan'>,
  match: CredentialMatch,
  grant: ServableGrant,
  request: CredentialRequest,
): PlannedServing | BrokerError {
  try {
    return plan(match, grant, request);
  } catch (error) {
    if (isBrokerError(error)) return error;
    throw error;
  }
}

type Trail = ReturnType<typeof createTrail>;

/** Collects the steps and the first refusal. */
function createTrail() {
  const steps: ExplainedStep[] = [];
  let first: BrokerError | null = null;
  const add = (step: StepName, outcome: ExplainedStep['outcome'], detail: string) =>
    steps.push({ step, outcome, detail });
  const pass = (step: StepName, detail: string) => add(step, 'passed', detail);
  const refuse = (step: StepName, error: BrokerError, detail = '') => {
    first ??= error;
    add(step, 'refused', detail === '' ? error.message : `${error.message} ${detail}`);
  };
  return {
    steps,
    add,
    pass,
    refuse,
    refusal: () => first,
    /** Runs the check of one step. `detail` is that of a passed one. */
    async step(step: StepName, detail: string, check: () => void | Promise<void>): Promise<void> {
      try {
        await check();
        pass(step, detail);
      } catch (error) {
        if (!isBrokerError(error) || error.code === 'service_unavailable') throw error;
        refuse(step, error);
      }
    },
  };
}
