import type * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import { nameOf as stateOf, typeOf } from '../execution-log.ts';
import type { Entry } from '../journal.ts';
import { stalledBetween } from '../stalls.ts';
import { byConversation, keyOf, stallsOf, TYPE_OF, wasDisturbed, type Evidence } from './evidence.ts';

/**
 * An error is one of those that the scenario may give, says when to repeat the call, and tells the truth about what is on
 * record.
 */
export const checkRefusals = (evidence: Evidence): readonly string[] => [
  ...checkReasons(evidence),
  ...checkRetries(evidence),
  ...checkRecord(evidence),
  ...checkWithdrawn(evidence),
];

const SHORT_MS = 2_000;
const TOO_LATE = new Set(['DEADLINE_TOO_SHORT', 'DEADLINE_EXCEEDED']);

// Without a reason it comes from the connection to a replica that was just killed or frozen.
const checkReasons = (evidence: Evidence): readonly string[] => {
  const allowed = new Set<string>(evidence.expected.refusedAs);
  const stalls = stallsOf(evidence);
  return evidence.journal.entries.flatMap((entry) => {
    const { told } = entry;
    if (told.kind === 'reply' || allowed.has(told.reason)) return [];
    // The machine gave somebody no turn before a deadline that was short.
    const isStalled = stalledBetween(stalls, entry.sentAtMs, entry.toldAtMs) > 0;
    const isShort = entry.deadlineAtMs - entry.sentAtMs < SHORT_MS;
    if (isShort && isStalled && TOO_LATE.has(told.reason || told.code)) return [];
    const isExcused = told.reason === '' && told.code !== 'INTERNAL' && wasDisturbed(evidence, entry);
    const said = `${told.code} ${told.reason} (${told.message})`;
    return isExcused ? [] : [`${nameOf(entry)} was told ${said} by ${entry.replica}`];
  });
};

const nameOf = ({ rpc, conversationUuid }: Entry): string => `the ${rpc} of ${conversationUuid}`;

const WITH_RETRY = new Set([
  'DATABASE_UNAVAILABLE',
  'OUTCOME_NOT_RECORDED',
  'SHUTTING_DOWN',
  'LIMIT_REACHED',
]);

const checkRetries = ({ journal }: Evidence): readonly string[] =>
  journal.entries.flatMap((entry) => {
    const { told } = entry;
    if (told.kind === 'reply' || !WITH_RETRY.has(told.reason) || (told.retryAfterMs ?? 0) > 0) return [];
    return [`${nameOf(entry)} was told ${told.reason} without when to repeat it`];
  });

const NOTHING_RECORDED = new Set(['SHUTTING_DOWN', 'KEY_UNAVAILABLE', 'LIMIT_REACHED']);
const RECORDED = new Set(['OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING']);

// Some refusals say that nothing is on record, others that something is.
const checkRecord = ({ journal, executions }: Evidence): readonly string[] => {
  const keys = new Set(executions.map((execution) => keyOf(typeOf(execution), execution.conversationUuid)));
  return (['start', 'end'] as const).flatMap((rpc) =>
    [...byConversation(journal.entries, rpc)].flatMap(([conversationUuid, calls]) => {
      const isOnRecord = keys.has(keyOf(TYPE_OF[rpc], conversationUuid));
      const reasons = calls.map(({ told }) => (told.kind === 'error' ? told.reason : ''));
      const what = `the ${rpc} of ${conversationUuid}`;
      const recorded = reasons.find((reason) => RECORDED.has(reason));
      if (!isOnRecord && recorded !== undefined)
        return [`${what} was told ${recorded}, and nothing is on record`];
      if (isOnRecord && reasons.every((reason) => NOTHING_RECORDED.has(reason)))
        return [`${what} was told nothing but ${String(reasons[0])}, and is on record`];
      return [];
    }),
  );
};

// Both clocks are this machine's, in milliseconds.
const CLOCK_MS = 5;

// What was refused as LIMIT_REACHED has left nothing, also where a later call is on record: that one has recorded it.
const checkWithdrawn = ({ journal, executions }: Evidence): readonly string[] => {
  const calls = {
    pre_call: byConversation(journal.entries, 'start'),
    post_call: byConversation(journal.entries, 'end'),
  };
  return executions.flatMap((execution) => {
    const type = typeOf(execution);
    const tries = calls[type].get(execution.conversationUuid) ?? [];
    const others = tries.filter(({ told }) => !isWithdrawn(told));
    if (others.length === tries.length || others.length === 0) return [];
    if (others.some((entry) => mayHaveRecorded(entry, execution))) return [];
    const key = keyOf(type, execution.conversationUuid);
    return [`${execution.executionUuid}, the ${key}, is of a try that was told LIMIT_REACHED`];
  });
};

const isWithdrawn = (told: Entry['told']): boolean =>
  told.kind === 'error' && told.reason === 'LIMIT_REACHED';

// The one whose replica has it on record as its own start; the instance of an end is the one that sent it. A replay is
// of what was there before, unless its own claim came through so late that it was marked.
const mayHaveRecorded = ({ rpc, replica, sentAtMs, told }: Entry, execution: pb.Execution): boolean => {
  if (told.kind === 'error' && NOTHING_RECORDED.has(told.reason)) return false;
  if (told.kind === 'reply' && told.replayed && stateOf(execution.state) !== 'INTERRUPTED') return false;
  if (rpc === 'start' && execution.instance !== replica) return false;
  return sentAtMs <= Number(execution.acceptedAt) + CLOCK_MS;
};
