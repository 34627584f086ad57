import type * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import { stateName } from '../../../support/execution-words.ts';
import type { LoggedCall } from '../call-log.ts';
import type { CallResponse } from '../call-response.ts';
import { typeOf } from '../execution-log.ts';
import { stalledBetween } from '../stalls.ts';
import { byConversation, keyOf, stallsOf, TYPE_OF, wasDisturbed, type Evidence } from './evidence.ts';

/**
 * Checks that each error is one of those that the test allows, says when to repeat the call, and tells the truth about what
 * is on record.
 */
export function checkRefusals(evidence: Evidence): readonly string[] {
  return [
    ...checkReasons(evidence),
    ...checkRetries(evidence),
    ...checkRecord(evidence),
    ...checkWithdrawn(evidence),
  ];
}

const SHORT_MS = 2_000;
const TOO_LATE = new Set(['DEADLINE_TOO_SHORT', 'DEADLINE_EXCEEDED']);

function checkReasons(evidence: Evidence): readonly string[] {
  const allowed = new Set<string>(evidence.expected.refusedAs);
  const stalls = stallsOf(evidence);
  return evidence.callLog.entries.flatMap((entry) => {
    const { response } = entry;
    if (response.kind === 'reply' || allowed.has(response.reason)) return [];
    // The machine gave the caller or the endpoint no turn before a deadline that was short.
    const isStalled = stalledBetween(stalls, entry.sentAtMs, entry.respondedAtMs) > 0;
    const isShort = entry.deadlineAtMs - entry.sentAtMs < SHORT_MS;
    if (isShort && isStalled && TOO_LATE.has(response.reason || response.code)) return [];
    // An error without a reason comes from the connection to a replica that was just killed or frozen.
    if (response.reason === '' && response.code !== 'INTERNAL' && wasDisturbed(evidence, entry)) return [];
    const error = `${response.code} ${response.reason} (${response.message})`;
    return [`${nameOf(entry)} was refused by ${entry.replica}: ${error}`];
  });
}

function nameOf({ rpc, conversationUuid }: LoggedCall): string {
  return `the ${rpc} of ${conversationUuid}`;
}

const WITH_RETRY = new Set([
  'DATABASE_UNAVAILABLE',
  'OUTCOME_NOT_RECORDED',
  'SHUTTING_DOWN',
  'LIMIT_REACHED',
]);

function checkRetries({ callLog }: Evidence): readonly string[] {
  return callLog.entries.flatMap((entry) => {
    const { response } = entry;
    if (response.kind === 'reply' || !WITH_RETRY.has(response.reason)) return [];
    if ((response.retryAfterMs ?? 0) > 0) return [];
    return [`${nameOf(entry)} was refused as ${response.reason}, which does not say when to repeat it`];
  });
}

const NOTHING_RECORDED = new Set(['SHUTTING_DOWN', 'KEY_UNAVAILABLE', 'LIMIT_REACHED']);
const RECORDED = new Set(['OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING']);

// Some refusals say that nothing is on record, others that something is.
function checkRecord({ callLog, executions }: Evidence): readonly string[] {
  const keys = new Set(executions.map((execution) => keyOf(typeOf(execution), execution.conversationUuid)));
  return (['start', 'end'] as const).flatMap((rpc) =>
    [...byConversation(callLog.entries, rpc)].flatMap(([conversationUuid, calls]) => {
      const isOnRecord = keys.has(keyOf(TYPE_OF[rpc], conversationUuid));
      const reasons = calls.map(({ response }) => (response.kind === 'error' ? response.reason : ''));
      const what = `the ${rpc} of ${conversationUuid}`;
      const recorded = reasons.find((reason) => RECORDED.has(reason));
      if (!isOnRecord && recorded !== undefined)
        return [`${what} was refused as ${recorded}, and nothing is on record`];
      if (isOnRecord && reasons.every((reason) => NOTHING_RECORDED.has(reason)))
        return [`${what} was always refused as ${String(reasons[0])}, and is on record`];
      return [];
    }),
  );
}

// Both clocks are this machine's, in milliseconds.
const CLOCK_MS = 5;

// A call that was refused as LIMIT_REACHED has left nothing, also where a later call is on record: that one has recorded it.
function checkWithdrawn({ callLog, executions }: Evidence): readonly string[] {
  const calls = {
    pre_call: byConversation(callLog.entries, 'start'),
    post_call: byConversation(callLog.entries, 'end'),
  };
  return executions.flatMap((execution) => {
    const type = typeOf(execution);
    const tries = calls[type].get(execution.conversationUuid) ?? [];
    const others = tries.filter(({ response }) => !isWithdrawn(response));
    if (others.length === tries.length || others.length === 0) return [];
    if (others.some((entry) => mayHaveRecorded(entry, execution))) return [];
    const key = keyOf(type, execution.conversationUuid);
    return [`${execution.executionUuid}, the ${key}, is of a call that was refused as LIMIT_REACHED`];
  });
}

function isWithdrawn(response: CallResponse): boolean {
  return response.kind === 'error' && response.reason === 'LIMIT_REACHED';
}

// A start is recorded by the replica that was called; the instance of a post-call is the replica that sent it. A replay
// shows what was there before, unless its own claim came through so late that it was marked interrupted.
function mayHaveRecorded({ rpc, replica, sentAtMs, response }: LoggedCall, execution: pb.Execution): boolean {
  if (response.kind === 'error' && NOTHING_RECORDED.has(response.reason)) return false;
  const isInterrupted = stateName(execution.state) === 'INTERRUPTED';
  if (response.kind === 'reply' && response.replayed && !isInterrupted) return false;
  if (rpc === 'start' && execution.instance !== replica) return false;
  return sentAtMs <= Number(execution.acceptedAt) + CLOCK_MS;
}
