import type * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import { failureCodeOf } from '../execution-log.ts';
import { stalledBetween } from '../stalls.ts';
import { stallsOf, wasDisturbed, type Evidence } from './evidence.ts';

/** No reply and no mark is late. */
export const checkTimes = (evidence: Evidence): readonly string[] => [
  ...checkDeadlines(evidence),
  ...checkLabels(evidence),
];

const LATE_MS = 100;

// No reply later than the caller's deadline + 100 ms, but for the time in which this machine gave the caller or the
// endpoint no turn, and for replicas that were killed or frozen.
const checkDeadlines = (evidence: Evidence): readonly string[] => {
  const stalls = stallsOf(evidence);
  return evidence.journal.entries.flatMap((entry) => {
    const lateMs = entry.toldAtMs - entry.deadlineAtMs;
    if (lateMs <= LATE_MS || wasDisturbed(evidence, entry)) return [];
    const stalledMs = stalledBetween(stalls, entry.sentAtMs, entry.toldAtMs);
    if (lateMs - stalledMs <= LATE_MS) return [];
    const what = `the ${entry.rpc} of ${entry.conversationUuid} by ${entry.replica}`;
    return [`${Math.round(lateMs - stalledMs)} ms after its deadline: ${what}`];
  });
};

const LABELLED_WITHIN_MS = 10_000;
// A replica marks nothing before it has had the database for so long.
const LABELS_AFTER_MS = 10_000;

// A mark is on record within the time limit and 10 s, if there was a replica to write it.
const checkLabels = ({ executions, replicas, expected }: Evidence): readonly string[] => {
  const { interruptedWithinMs = LABELLED_WITHIN_MS } = expected;
  return executions
    .filter((execution) => failureCodeOf(execution) === 'INTERRUPTED')
    .flatMap((execution) => {
      const dueMs = Number(execution.sendingAt) + limitOf(execution) + interruptedWithinMs;
      const interruptedMs = Number(execution.finishedAt);
      const isLate = replicas.some((replica) => couldLabel(replica, dueMs, interruptedMs));
      return isLate ? [`${interruptedMs - dueMs} ms late: the mark of ${execution.executionUuid}`] : [];
    });
};

const limitOf = ({ timeLimit }: pb.Execution): number =>
  Number(timeLimit?.seconds ?? 0) * 1_000 + (timeLimit?.nanos ?? 0) / 1e6;

// Undisturbed for long enough at some instant between the two. Before its first start there is no replica.
const couldLabel = (
  { disturbances }: Evidence['replicas'][number],
  fromMs: number,
  toMs: number,
): boolean => {
  const inOrder = disturbances.toSorted((a, b) => a.fromMs - b.fromMs);
  let calmSinceMs = Infinity;
  for (const [at, { toMs: calmMs }] of inOrder.entries()) {
    calmSinceMs = at === 0 ? calmMs : Math.max(calmSinceMs, calmMs);
    const calmUntilMs = inOrder[at + 1]?.fromMs ?? Infinity;
    if (Math.max(calmSinceMs + LABELS_AFTER_MS, fromMs) < Math.min(calmUntilMs, toMs)) return true;
  }
  return false;
};
