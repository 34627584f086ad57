import { sameJson } from '../domain/same-json.ts';
import type { Execution, Webhook } from '../domain/types.ts';
import type { Admission } from '../engine/limits/admission.ts';
import type { AgentCache } from '../engine/agent-cache.ts';
import { databaseUnavailable, type DatabaseHealth } from '../engine/writes/database-health.ts';
import type { Housekeeping } from '../engine/maintenance.ts';
import type { Sender } from '../engine/post-call/post-call-sender.ts';
import { settle, settledBy } from '../engine/writes/retry-write.ts';
import type { OnStep } from '../engine/fault-points.ts';
import type { Writes } from '../engine/writes/execution-writes.ts';
import { DatabaseError } from '../errors.ts';
import type { ExecutionStore, InsertResult, NewEnd } from '../store/types.ts';
import { agentNotFound, conversationPurged, refuseChaining, refuseOtherAgent } from './lifecycle-refusals.ts';
import type { CallScope, OnCallEndReply, OnCallEndRequest } from './types.ts';

/** What an end needs. */
export interface OnCallEndDeps {
  readonly store: ExecutionStore;
  readonly agents: AgentCache;
  readonly admission: Admission;
  readonly health: DatabaseHealth;
  readonly writes: Writes;
  readonly sender: Sender;
  readonly housekeeping: Housekeeping;
  readonly newUuid: () => string;
  readonly instance: string;
  readonly onStep: OnStep;
  /** Told when a repeat brings other facts than the first request, which win. */
  readonly onOtherFacts: (execution: Execution) => void;
}

const SETTLE_ACCEPT_MS = 2_000;

/** Accepts the post-call webhook of a conversation once; it is sent in the background, whatever becomes of the caller. */
export const createOnCallEnd =
  (deps: OnCallEndDeps) =>
  async (request: OnCallEndRequest, scope: CallScope): Promise<OnCallEndReply> => {
    const held = deps.admission.admitEnd(scope.requestBytes);
    try {
      deps.health.assertThere();
      await refuseChaining(deps.store, scope);
      const rows = await deps.store.findConversation(request.conversationUuid);
      refuseOtherAgent(rows, request.agentUuid);
      const recorded = rows.find(({ webhookType }) => webhookType === 'post_call');
      if (recorded === undefined) return await firstEnd(deps, request, scope);
      if (await hasOtherFacts(deps, request, recorded)) deps.onOtherFacts(recorded);
      return { execution: recorded, replayed: true };
    } finally {
      held.release();
    }
  };

// Only until the execution ends: then its facts are dropped.
const hasOtherFacts = async (
  { store }: OnCallEndDeps,
  { facts }: OnCallEndRequest,
  { executionUuid }: Execution,
): Promise<boolean> => {
  const stored = await store.findFacts(executionUuid);
  if (stored === undefined) return false;
  return (
    facts.callerPhone !== stored.callerPhone ||
    facts.callDurationSecs !== stored.callDurationSecs ||
    facts.callSummary !== stored.callSummary ||
    !sameJson(facts.metadata, stored.metadata) ||
    !sameJson(facts.dynamicVariables, stored.dynamicVariables)
  );
};

const firstEnd = async (
  deps: OnCallEndDeps,
  request: OnCallEndRequest,
  scope: CallScope,
): Promise<OnCallEndReply> => {
  const { agentUuid, conversationUuid } = request;
  const agent = await deps.agents.read(agentUuid);
  const webhook = agent?.webhooks.find(
    ({ webhookType, disabled }) => webhookType === 'post_call' && !disabled,
  );
  if (webhook === undefined) {
    const isPurged = (await deps.store.findEnd(conversationUuid)) === 'purged';
    if (isPurged) throw conversationPurged(conversationUuid);
    if (agent === undefined) throw agentNotFound(agentUuid);
    return { replayed: false };
  }
  deps.onStep('end.unaccepted', conversationUuid);
  const result = await accept(deps, toRow(deps, request, scope, webhook), scope.requestBytes);
  if (result.kind === 'purged') throw conversationPurged(conversationUuid);
  refuseOtherAgent([result.execution], agentUuid);
  deps.onStep('end.accepted', conversationUuid);
  if (result.kind === 'won') handOver(deps, result.execution);
  return { execution: result.execution, replayed: result.kind === 'lost' };
};

const toRow = (
  deps: OnCallEndDeps,
  { agentUuid, conversationUuid, facts }: OnCallEndRequest,
  { traceparent }: CallScope,
  { webhookUuid }: Webhook,
): NewEnd => ({
  executionUuid: deps.newUuid(),
  agentUuid,
  conversationUuid,
  webhookUuid,
  instance: deps.instance,
  facts: { ...facts, ...(traceparent === undefined ? {} : { traceparent }) },
});

const accept = async (deps: OnCallEndDeps, row: NewEnd, bytes: number): Promise<InsertResult> => {
  const giveUpAtMs = performance.now() + SETTLE_ACCEPT_MS;
  try {
    return await settledBy(
      settle(() => deps.writes.insertEnd(row, bytes), { giveUpAtMs }),
      giveUpAtMs,
    );
  } catch (error) {
    if (error instanceof DatabaseError && error.kind !== 'row' && error.kind !== 'bug')
      throw databaseUnavailable(error);
    throw error;
  }
};

const handOver = (deps: OnCallEndDeps, execution: Execution): void => {
  deps.housekeeping.noteAccepted();
  deps.sender.offer(execution);
};
