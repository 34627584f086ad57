import type { Agent } from '../../domain/agent.ts';
import type { CallDecision, CallDetails, StartVariables, VariableSource } from '../../domain/call.ts';
import type { Execution } from '../../domain/execution.ts';
import type { JsonObject } from '../../domain/json.ts';
import { preCallVariables, variablesTooLarge } from '../../domain/variables.ts';
import type { AgentCache } from '../../engine/agent-cache.ts';
import type { Admission } from '../../engine/limits/admission.ts';
import type { ByteReservation } from '../../engine/limits/byte-budget.ts';
import type { LostClaim } from '../../engine/pre-call.ts';
import type { DatabaseHealth } from '../../engine/writes/database-health.ts';
import { validationFailed } from '../../errors.ts';
import type { ExecutionStore, RecordedStart } from '../../store/execution-store.ts';
import {
  agentNotFound,
  conversationPurged,
  otherAgent,
  refuseChaining,
  refuseOtherAgent,
  stopsNewExecutionsOnly,
} from '../refusals.ts';
import type { RequestContext } from '../request-context.ts';
import { replayStart, type ReplayDeps } from './replay-start.ts';
import { claim, newStart, runPreCall, type FirstStart, type RunPreCallDeps } from './run-pre-call.ts';
import { toStartReply } from './start-reply.ts';

/** A call as `OnCallStart` reports it. UUIDs are in lower case. */
export interface OnCallStartRequest {
  readonly agentUuid: string;
  readonly conversationUuid: string;
  /** They lose their metadata once the request of the webhook is rendered, because the call may run for long after that. */
  details: CallDetails;
}

/** What the platform does with the call. It is equal for every repeat but for `replayed`. */
export interface OnCallStartReply {
  /** Undefined for a decision that a newer release has stored. */
  readonly decision: CallDecision | undefined;
  readonly degraded: boolean;
  readonly rejected: boolean;
  /** Is empty unless the endpoint rejected the call and gave a reason. */
  readonly rejectReason: string;
  readonly dynamicVariables: JsonObject;
  readonly variableSources: Readonly<Record<string, VariableSource>>;
  /** Undefined when there was no enabled pre-call webhook. */
  readonly execution?: Execution;
  readonly replayed: boolean;
}

/** What a start needs. */
interface OnCallStartDeps extends ReplayDeps, RunPreCallDeps {
  readonly store: Pick<ExecutionStore, 'isSending' | 'findConversation' | 'findStart'>;
  readonly agents: AgentCache;
  readonly admission: Admission;
  readonly health: DatabaseHealth;
}

/**
 * Runs the pre-call webhook once and says what to do with the call. A repeat is answered from the record. The claim finds
 * out whether this is a repeat: nothing of the conversation is read before it.
 */
export async function onCallStart(
  deps: OnCallStartDeps,
  request: OnCallStartRequest,
  context: RequestContext,
): Promise<OnCallStartReply> {
  const reservation = deps.admission.admitStart(context.memoryBytes);
  try {
    deps.health.assertAvailable();
    if (context.callingExecutionUuids.length > 0) await refuseChaining(deps.store, context);
    return await claimAndAnswer(deps, request, context, reservation);
  } catch (error) {
    if (!stopsNewExecutionsOnly(error) || context.signal.aborted) throw error;
    if (await isRecorded(deps, request)) return await replayStart(deps, request, context);
    throw error;
  } finally {
    reservation.release();
  }
}

// Claims the start and answers it. When the claim shows that this is a repeat, the answer comes from the record.
async function claimAndAnswer(
  deps: OnCallStartDeps,
  request: OnCallStartRequest,
  context: RequestContext,
  reservation: ByteReservation,
): Promise<OnCallStartReply> {
  const agent = await deps.agents.read(request.agentUuid);
  if (agent === undefined) throw agentNotFound(request.agentUuid);
  const start: FirstStart = { request, context, agent, variables: variablesOf(request, agent), reservation };
  if (agent.webhooks.length === 0) return answerUnrecorded(deps, start);
  const webhook = agent.webhooks.find(({ webhookType, disabled }) => webhookType === 'pre_call' && !disabled);
  if (webhook !== undefined && context.ownTurn !== undefined) await context.ownTurn();
  const result = webhook ? await runPreCall(deps, start, webhook) : await recordVariables(deps, start);
  return 'kind' in result ? answerOther(deps, start, result) : toStartReply(result, false);
}

function variablesOf({ details }: OnCallStartRequest, { dynamicVariables }: Agent): StartVariables {
  const { callerPhone } = details;
  const merged = preCallVariables(dynamicVariables, details.dynamicVariables);
  const problem = variablesTooLarge(merged.variables);
  if (problem !== undefined) throw validationFailed([{ field: 'dynamic_variables', description: problem }]);
  return { callerPhone, ...merged };
}

// An agent without any webhook has no use for what a start leaves, but it may have had webhooks before.
async function answerUnrecorded(
  deps: OnCallStartDeps,
  { request, context, variables }: FirstStart,
): Promise<OnCallStartReply> {
  if (await isRecorded(deps, request)) return replayStart(deps, request, context);
  return toStartReply({ start: variables }, false);
}

// Without an enabled pre-call webhook the variables are recorded for the report.
function recordVariables(deps: OnCallStartDeps, start: FirstStart): Promise<RecordedStart | LostClaim> {
  start.context.signal.throwIfAborted();
  return claim(deps, start, newStart(deps, start));
}

function answerOther(
  deps: OnCallStartDeps,
  { request, context }: FirstStart,
  result: LostClaim,
): Promise<OnCallStartReply> {
  if (result.kind === 'purged') throw conversationPurged(request.conversationUuid);
  if (result.kind === 'other_agent') throw otherAgent(request.conversationUuid);
  return replayStart(deps, request, context);
}

/**
 * Reports whether a start of the conversation is on record.
 * @throws CallhooksError CONVERSATION_AGENT_MISMATCH, CONVERSATION_PURGED
 */
async function isRecorded(
  { store }: OnCallStartDeps,
  { agentUuid, conversationUuid }: OnCallStartRequest,
): Promise<boolean> {
  const rows = await store.findConversation(conversationUuid);
  refuseOtherAgent(rows, agentUuid);
  if (rows.some(({ webhookType }) => webhookType === 'pre_call')) return true;
  if ((await store.findStart(conversationUuid)) === 'purged') throw conversationPurged(conversationUuid);
  return false;
}
