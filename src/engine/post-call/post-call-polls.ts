import { reportAwayOnce } from '../writes/database-health.ts';
import { PACE_WINDOW_MS, type Pace } from './pace.ts';
import type { PendingPostCalls } from './pending-post-calls.ts';

/** Drains the pending post-calls: once a second, whenever a slot becomes free, and when the pace allows more. */
export interface PostCallPolls {
  /** Polls now, and then once a second. */
  start(): void;
  /** Sends what the slots and the pace allow now. */
  drain(): void;
  /** Drains in the next window of the pace. */
  drainSoon(): void;
  stop(): void;
  /** Resolves when the poll and the drain that are under way have ended. */
  idle(): Promise<void>;
}

const POLL_EVERY_MS = 1_000;

/** Makes the polls. A failure is reported, and the next poll goes on. */
export function createPostCallPolls(
  pendingPostCalls: PendingPostCalls,
  pace: Pace,
  onError: (error: unknown) => void,
): PostCallPolls {
  const runPoll = reportAwayOnce(onError);
  const runDrain = reportAwayOnce(onError);
  let isStopped = false;
  let polling: Promise<void> | undefined;
  let draining: Promise<void> | undefined;
  let nextPoll: NodeJS.Timeout | undefined;
  let nextDrain: NodeJS.Timeout | undefined;

  const drain = (): void => {
    draining = runDrain(pendingPostCalls.drain).then(() => {
      if (pace.room() === 0) drainSoon();
    });
  };
  // What the pace held up goes on in the next window, even if no request ends until then.
  const drainSoon = (): void => {
    if (isStopped) return;
    nextDrain ??= setTimeout(() => {
      nextDrain = undefined;
      drain();
    }, PACE_WINDOW_MS);
  };
  const poll = async (): Promise<void> => {
    polling = runPoll(pendingPostCalls.poll);
    await polling;
    // The poll does not wait for the drain: that one does not end while much is sent, and other replicas die meanwhile.
    drain();
    if (!isStopped) nextPoll = setTimeout(() => void poll(), POLL_EVERY_MS);
  };

  return {
    start: () => void poll(),
    drain,
    drainSoon,
    stop: () => {
      isStopped = true;
      clearTimeout(nextPoll);
      clearTimeout(nextDrain);
    },
    idle: async () => {
      await polling;
      await draining;
    },
  };
}
