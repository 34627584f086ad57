import { preCallVariables, variablesTooLarge } from '../../domain/variables.ts';
import type { Admission } from '../../engine/limits/admission.ts';
import type { ByteReservation } from '../../engine/limits/byte-budget.ts';
import type { AgentCache } from '../../engine/agent-cache.ts';
import type { NotOurs } from '../../engine/pre-call.ts';
import type { DatabaseHealth } from '../../engine/writes/database-health.ts';
import { validationFailed } from '../../errors.ts';
import type { ExecutionStore, RecordedStart } from '../../store/execution-store.ts';
import {
  agentNotFound,
  callerIsGone,
  conversationPurged,
  otherAgent,
  refuseChaining,
  refuseOtherAgent,
  stopsNewExecutionsOnly,
} from '../refusals.ts';
import { replayStart, type ReplayDeps } from './replay-start.ts';
import { runPreCall, type FirstStart, type RunPreCallDeps } from './run-pre-call.ts';
import { answerByMs, toStartReply } from './start-reply.ts';
import type { RequestContext } from '../request-context.ts';
import type { CallDecision, VariableSource } from '../../domain/call.ts';
import type { Execution } from '../../domain/execution.ts';
import type { JsonObject } from '../../domain/json.ts';

/** A call as `OnCallStart` reports it; UUIDs in lower case. */
export interface OnCallStartRequest {
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly callerPhone: string;
  readonly dynamicVariables: JsonObject;
  readonly metadata: JsonObject;
}

/** What the platform does with the call. Equal for every repeat but for `replayed`. */
export interface OnCallStartReply {
  readonly decision: CallDecision;
  readonly degraded: boolean;
  readonly dynamicVariables: JsonObject;
  readonly variableSources: Readonly<Record<string, VariableSource>>;
  /** Absent: no enabled pre-call webhook. */
  readonly execution?: Execution;
  readonly replayed: boolean;
}

/** What a start needs. */
export interface OnCallStartDeps extends ReplayDeps, RunPreCallDeps {
  readonly store: ExecutionStore;
  readonly agents: AgentCache;
  readonly admission: Admission;
  readonly health: DatabaseHealth;
}

/**
 * Runs the pre-call webhook once and says what to do with the call; a repeat is answered from the record. The claim goes
 * first and finds out whether this is a repeat: nothing is read before it.
 */
export async function onCallStart(
  deps: OnCallStartDeps,
  request: OnCallStartRequest,
  context: RequestContext,
): Promise<OnCallStartReply> {
  const reservation = deps.admission.admitStart(context.requestBytes);
  try {
    deps.health.assertThere();
    await refuseChaining(deps.store, context);
    return await firstStart(deps, request, context, reservation);
  } catch (error) {
    if (!stopsNewExecutionsOnly(error) || context.signal.aborted) throw error;
    return await replayOrRefuse(deps, request, context, error);
  } finally {
    reservation.release();
  }
}

async function firstStart(
  deps: OnCallStartDeps,
  request: OnCallStartRequest,
  context: RequestContext,
  reservation: ByteReservation,
): Promise<OnCallStartReply> {
  const agent = await deps.agents.read(request.agentUuid);
  if (agent === undefined) throw agentNotFound(request.agentUuid);
  const variables = {
    callerPhone: request.callerPhone,
    ...preCallVariables(agent.dynamicVariables, request.dynamicVariables),
  };
  const violation = variablesTooLarge(variables.variables);
  if (violation !== undefined)
    throw validationFailed([{ field: 'dynamic_variables', description: violation }]);
  const start: FirstStart = { request, context, agent, variables, reservation };
  if (agent.webhooks.length === 0) return unkeptStart(deps, start);
  const webhook = agent.webhooks.find(({ webhookType, disabled }) => webhookType === 'pre_call' && !disabled);
  const result = webhook ? await runPreCall(deps, start, webhook) : await keepStart(deps, start);
  return 'kind' in result ? answerOther(deps, start, result) : toStartReply(result, false);
}

function answerOther(
  deps: OnCallStartDeps,
  { request, context }: FirstStart,
  result: NotOurs,
): Promise<OnCallStartReply> {
  if (result.kind === 'purged') throw conversationPurged(request.conversationUuid);
  if (result.kind === 'other_agent') throw otherAgent(request.conversationUuid);
  return replayStart(deps, request, context);
}

// Without an enabled pre-call webhook the variables are kept for the end of the call.
async function keepStart(
  { newUuid, instance, preCalls }: OnCallStartDeps,
  { request: { agentUuid, conversationUuid }, context, variables }: FirstStart,
): Promise<RecordedStart | NotOurs> {
  if (context.signal.aborted) throw callerIsGone();
  const startJson = JSON.stringify(variables);
  const row = { executionUuid: newUuid(), agentUuid, conversationUuid, instance, startJson };
  const kept = await preCalls.claim(row, variables, {
    admittedAtMs: context.admittedAtMs,
    answerByMs: answerByMs(context),
    isGone: () => context.signal.aborted,
  });
  context.arrival.decided();
  return kept;
}

// An agent without any webhook has no use for what a start leaves, but it may have had webhooks before.
async function unkeptStart(
  deps: OnCallStartDeps,
  { request, context, variables }: FirstStart,
): Promise<OnCallStartReply> {
  const recorded = await findRecorded(deps, request);
  return recorded ? replayStart(deps, request, context) : toStartReply({ start: variables }, false);
}

async function replayOrRefuse(
  deps: OnCallStartDeps,
  request: OnCallStartRequest,
  context: RequestContext,
  refusal: unknown,
): Promise<OnCallStartReply> {
  if (await findRecorded(deps, request)) return replayStart(deps, request, context);
  throw refusal;
}

/**
 * Reports whether a start of the conversation is on record.
 * @throws CallhooksError CONVERSATION_AGENT_MISMATCH, CONVERSATION_PURGED
 */
async function findRecorded(
  { store }: OnCallStartDeps,
  { agentUuid, conversationUuid }: OnCallStartRequest,
): Promise<boolean> {
  const rows = await store.findConversation(conversationUuid);
  refuseOtherAgent(rows, agentUuid);
  if (rows.some(({ webhookType }) => webhookType === 'pre_call')) return true;
  if ((await store.findStart(conversationUuid)) === 'purged') throw conversationPurged(conversationUuid);
  return false;
}
