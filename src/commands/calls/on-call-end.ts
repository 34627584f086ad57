import type { Webhook } from '../../domain/agent.ts';
import type { CallDetails, StoredCallDetails } from '../../domain/call.ts';
import type { Execution } from '../../domain/execution.ts';
import { sameJson } from '../../domain/json.ts';
import type { AgentCache } from '../../engine/agent-cache.ts';
import type { OnFaultPoint } from '../../engine/fault-points.ts';
import type { Admission } from '../../engine/limits/admission.ts';
import type { Maintenance } from '../../engine/maintenance.ts';
import type { PostCallSender } from '../../engine/post-call/post-call-sender.ts';
import type { DatabaseHealth } from '../../engine/writes/database-health.ts';
import {
  beginInsert,
  toInsertError,
  type ExecutionWrites,
  type Inserted,
} from '../../engine/writes/execution-writes.ts';
import type { ExecutionStore } from '../../store/execution-store.ts';
import type { NewPostCall } from '../../store/write-batch.ts';
import {
  agentNotFound,
  conversationPurged,
  otherAgent,
  refuseChaining,
  refuseOtherAgent,
} from '../refusals.ts';
import type { RequestContext } from '../request-context.ts';

/** A call as `OnCallEnd` reports it. UUIDs are in lower case. */
export interface OnCallEndRequest {
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly details: CallDetails;
}

/** The execution of the report, as it was accepted now or is on record. */
export interface OnCallEndReply {
  /** Undefined when there is no enabled post-call webhook. */
  readonly execution?: Execution;
  readonly replayed: boolean;
}

/** What accepting a report needs. */
interface OnCallEndDeps {
  readonly store: Pick<ExecutionStore, 'isSending' | 'findConversation' | 'findPostCall' | 'findDetails'>;
  readonly agents: AgentCache;
  readonly admission: Admission;
  readonly health: DatabaseHealth;
  readonly writes: ExecutionWrites;
  readonly postCallSender: Pick<PostCallSender, 'offer'>;
  readonly maintenance: Pick<Maintenance, 'noteAccepted'>;
  readonly newUuid: () => string;
  readonly instance: string;
  readonly onFaultPoint: OnFaultPoint;
  /** Is told when a repeat has other call details than the first request. The recorded ones are kept. */
  readonly onOtherDetails: (execution: Execution) => void;
}

const ACCEPT_LIMIT_MS = 2_000;
// A process that slept until its time was nearly over withdraws the insert, so that its caller is not left in doubt.
const LEAST_TIME_MS = 100;

/**
 * Accepts the report of a conversation once. It is sent in the background, whatever becomes of the caller. The insert
 * finds out whether this is a repeat: nothing of the conversation is read before it.
 */
export async function onCallEnd(
  deps: OnCallEndDeps,
  request: OnCallEndRequest,
  context: RequestContext,
): Promise<OnCallEndReply> {
  const reservation = deps.admission.admitPostCall(context.memoryBytes);
  try {
    deps.health.assertAvailable();
    if (context.callingExecutionUuids.length > 0) await refuseChaining(deps.store, context);
    const agent = await deps.agents.read(request.agentUuid);
    const webhook = agent?.webhooks.find(
      ({ webhookType, disabled }) => webhookType === 'post_call' && !disabled,
    );
    if (webhook !== undefined) return await acceptReport(deps, request, context, webhook);
    return await answerWithoutWebhook(deps, request, agent !== undefined);
  } finally {
    reservation.release();
  }
}

async function acceptReport(
  deps: OnCallEndDeps,
  request: OnCallEndRequest,
  context: RequestContext,
  webhook: Webhook,
): Promise<OnCallEndReply> {
  const { conversationUuid } = request;
  deps.onFaultPoint('post_call.unaccepted', conversationUuid);
  const result = await insertReport(deps, newPostCall(deps, request, context, webhook), context);
  if (result.kind === 'purged') throw conversationPurged(conversationUuid);
  if (result.kind === 'other_agent') throw otherAgent(conversationUuid);
  const { execution } = result;
  if (result.kind === 'lost') return replayReport(deps, request, execution);
  deps.onFaultPoint('post_call.accepted', conversationUuid);
  deps.maintenance.noteAccepted();
  deps.postCallSender.offer(execution);
  return { execution, replayed: false };
}

function newPostCall(
  { newUuid, instance }: OnCallEndDeps,
  { agentUuid, conversationUuid, details }: OnCallEndRequest,
  { traceparent }: RequestContext,
  { webhookUuid }: Webhook,
): NewPostCall {
  const stored: StoredCallDetails = traceparent === undefined ? details : { ...details, traceparent };
  const detailsJson = JSON.stringify(stored);
  return { executionUuid: newUuid(), agentUuid, conversationUuid, webhookUuid, instance, detailsJson };
}

async function insertReport(
  { writes }: OnCallEndDeps,
  row: NewPostCall,
  { admittedAtMs, signal }: RequestContext,
): Promise<Inserted> {
  const giveUpAtMs = admittedAtMs + ACCEPT_LIMIT_MS;
  const insert = beginInsert(writes.insertPostCall, row, {
    giveUpAtMs,
    lastUsefulAtMs: giveUpAtMs - LEAST_TIME_MS,
    isCancelled: () => signal.aborted,
  });
  try {
    return await insert.inTime;
  } catch (error) {
    // Variables, metadata and the summary fill the row together, so no field of them is to blame.
    throw toInsertError(error, row.detailsJson.length, '');
  }
}

// Without a webhook nothing is accepted, but what is on record is answered all the same.
async function answerWithoutWebhook(
  deps: OnCallEndDeps,
  request: OnCallEndRequest,
  isAgentKnown: boolean,
): Promise<OnCallEndReply> {
  const { agentUuid, conversationUuid } = request;
  const rows = await deps.store.findConversation(conversationUuid);
  refuseOtherAgent(rows, agentUuid);
  const recorded = rows.find(({ webhookType }) => webhookType === 'post_call');
  if (recorded !== undefined) return replayReport(deps, request, recorded);
  if ((await deps.store.findPostCall(conversationUuid)) === 'purged')
    throw conversationPurged(conversationUuid);
  if (!isAgentKnown) throw agentNotFound(agentUuid);
  return { replayed: false };
}

async function replayReport(
  deps: OnCallEndDeps,
  request: OnCallEndRequest,
  execution: Execution,
): Promise<OnCallEndReply> {
  refuseOtherAgent([execution], request.agentUuid);
  // This is only for the log: a read that fails must not fail the reply.
  const isOther = await differsFromRecord(deps, request, execution).catch(() => false);
  if (isOther) deps.onOtherDetails(execution);
  return { execution, replayed: true };
}

// The record has the details as they came, until the execution is finished.
async function differsFromRecord(
  { store }: OnCallEndDeps,
  { details }: OnCallEndRequest,
  { executionUuid }: Execution,
): Promise<boolean> {
  const stored = await store.findDetails(executionUuid);
  if (stored === undefined) return false;
  return (
    details.callerPhone !== stored.callerPhone ||
    details.callDurationSecs !== stored.callDurationSecs ||
    details.callSummary !== stored.callSummary ||
    !sameJson(details.metadata, stored.metadata) ||
    !sameJson(details.dynamicVariables, stored.dynamicVariables)
  );
}
