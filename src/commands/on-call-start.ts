import type { StartVariables } from '../domain/types.ts';
import { mergeStart, variablesTooLarge } from '../domain/variables.ts';
import type { Admission } from '../engine/limits/admission.ts';
import type { AgentCache } from '../engine/agent-cache.ts';
import type { HeldBytes } from '../engine/limits/byte-budget.ts';
import type { DatabaseHealth } from '../engine/writes/database-health.ts';
import type { NotOurs } from '../engine/pre-call.ts';
import { type CallhooksError, validationFailed } from '../errors.ts';
import type { ExecutionStore, RecordedStart } from '../store/types.ts';
import { refuseWhenGone, rowBytes, toRow, type FirstStart } from './first-start.ts';
import { agentNotFound, conversationPurged, refuseChaining, refuseOtherAgent } from './lifecycle-refusals.ts';
import { replayStart, toStartReply, type ReplayDeps } from './replay-start.ts';
import { runPreCall, type RunPreCallDeps } from './run-pre-call.ts';
import type { CallScope, OnCallStartReply, OnCallStartRequest } from './types.ts';

/** What a start needs. */
export interface OnCallStartDeps extends ReplayDeps, RunPreCallDeps {
  readonly store: ExecutionStore;
  readonly agents: AgentCache;
  readonly admission: Admission;
  readonly health: DatabaseHealth;
}

/** Runs the pre-call webhook once and says what to do with the call; a repeat is answered from the record. */
export const createOnCallStart =
  (deps: OnCallStartDeps) =>
  async (request: OnCallStartRequest, scope: CallScope): Promise<OnCallStartReply> => {
    const held = deps.admission.admitStart(scope.requestBytes);
    try {
      deps.health.assertThere();
      await refuseChaining(deps.store, scope);
      const rows = await deps.store.findConversation(request.conversationUuid);
      refuseOtherAgent(rows, request.agentUuid);
      if (rows.some(({ webhookType }) => webhookType === 'pre_call'))
        return await replayStart(deps, request, scope);
      return await firstStart(deps, request, scope, held);
    } finally {
      held.release();
    }
  };

const firstStart = async (
  deps: OnCallStartDeps,
  request: OnCallStartRequest,
  scope: CallScope,
  held: HeldBytes,
): Promise<OnCallStartReply> => {
  const agent = await deps.agents.read(request.agentUuid);
  if (agent === undefined) throw await notFoundOrPurged(deps, request);
  const variables = {
    callerPhone: request.callerPhone,
    ...mergeStart(agent.dynamicVariables, request.dynamicVariables),
  };
  const violation = variablesTooLarge(variables.variables);
  if (violation !== undefined)
    throw validationFailed([{ field: 'dynamic_variables', description: violation }]);
  const start: FirstStart = { request, scope, agent, variables, held };
  const webhook = agent.webhooks.find(({ webhookType, disabled }) => webhookType === 'pre_call' && !disabled);
  const result = webhook ? await runPreCall(deps, start, webhook) : await keepStart(deps, start);
  if (!('kind' in result)) return toStartReply(result, false);
  if (result.kind === 'purged') throw conversationPurged(request.conversationUuid);
  return replayStart(deps, request, scope);
};

const notFoundOrPurged = async (
  deps: OnCallStartDeps,
  { agentUuid, conversationUuid }: OnCallStartRequest,
): Promise<CallhooksError> =>
  (await isPurged(deps, conversationUuid)) ? conversationPurged(conversationUuid) : agentNotFound(agentUuid);

// For starts that insert no row: an insert learns of the key by itself.
const isPurged = async ({ store }: OnCallStartDeps, conversationUuid: string): Promise<boolean> =>
  (await store.findStart(conversationUuid)) === 'purged';

// Without an enabled pre-call webhook the variables are kept for the end of the call; an agent without any webhook has
// no use for them.
const keepStart = async (
  deps: OnCallStartDeps,
  start: FirstStart,
): Promise<(Partial<RecordedStart> & Kept) | NotOurs> => {
  if (start.agent.webhooks.length === 0) {
    return (await isPurged(deps, start.request.conversationUuid))
      ? { kind: 'purged' }
      : { start: start.variables };
  }
  refuseWhenGone(start.scope);
  return deps.preCalls.keep(toRow(deps, start), rowBytes(start));
};

type Kept = { readonly start: StartVariables };
