import type * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import { failureCodeOf } from '../../../support/execution-words.ts';
import { stalledBetween } from '../stalls.ts';
import { stallsOf, wasDisturbed, type Evidence, type Lateness } from './evidence.ts';

/** Finds replies that came after their deadline, and executions that were marked interrupted late. */
export function checkTimes(evidence: Evidence): readonly Lateness[] {
  return [...checkDeadlines(evidence), ...checkMarks(evidence)];
}

const LATE_MS = 100;

// No reply comes later than the caller's deadline and 100 ms. The time in which this machine gave the caller or the endpoint
// no turn does not count, nor do replicas that were killed or frozen.
function checkDeadlines(evidence: Evidence): readonly Lateness[] {
  const stalls = stallsOf(evidence);
  return evidence.callLog.entries.flatMap((entry) => {
    const { sentAtMs, respondedAtMs } = entry;
    const lateMs = respondedAtMs - entry.deadlineAtMs;
    if (lateMs <= LATE_MS || wasDisturbed(evidence, entry)) return [];
    const countedMs = lateMs - stalledBetween(stalls, sentAtMs, respondedAtMs);
    if (countedMs <= LATE_MS) return [];
    const call = `the ${entry.rpc} of ${entry.conversationUuid} by ${entry.replica}`;
    const what = `${Math.round(countedMs)} ms after its deadline: ${call}`;
    return [{ what, fromMs: sentAtMs, toMs: respondedAtMs }];
  });
}

const MARKED_WITHIN_MS = 10_000;
// A replica marks nothing before it has had the database for so long.
const MARKS_AFTER_MS = 10_000;

// An execution is marked within the time limit and 10 s, if there was a replica that could do it.
function checkMarks({ executions, replicas, expected }: Evidence): readonly Lateness[] {
  const { interruptedWithinMs = MARKED_WITHIN_MS } = expected;
  return executions
    .filter((execution) => failureCodeOf(execution) === 'INTERRUPTED')
    .flatMap((execution) => {
      const fromMs = Number(execution.sendingAt);
      const dueMs = fromMs + timeLimitMs(execution) + interruptedWithinMs;
      const toMs = Number(execution.finishedAt);
      if (!replicas.some((replica) => couldMark(replica, dueMs, toMs))) return [];
      const what = `${toMs - dueMs} ms late: the mark of ${execution.executionUuid}`;
      return [{ what, fromMs, toMs }];
    });
}

function timeLimitMs({ timeLimit }: pb.Execution): number {
  return Number(timeLimit?.seconds ?? 0) * 1_000 + (timeLimit?.nanos ?? 0) / 1e6;
}

// Reports whether a replica was undisturbed for long enough at some instant between the two. Before its first start it was not
// there.
function couldMark({ disturbances }: Evidence['replicas'][number], fromMs: number, toMs: number): boolean {
  const inOrder = disturbances.toSorted((a, b) => a.fromMs - b.fromMs);
  let undisturbedSinceMs = Infinity;
  for (const [at, disturbance] of inOrder.entries()) {
    undisturbedSinceMs = at === 0 ? disturbance.toMs : Math.max(undisturbedSinceMs, disturbance.toMs);
    const undisturbedUntilMs = inOrder[at + 1]?.fromMs ?? Infinity;
    if (Math.max(undisturbedSinceMs + MARKS_AFTER_MS, fromMs) < Math.min(undisturbedUntilMs, toMs))
      return true;
  }
  return false;
}
