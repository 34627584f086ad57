import { setTimeout } from 'node:timers/promises';
import type { Execution, ListExecutionsRequest } from '../../gen/index.callhooks.v1.ts';
import { ApiError } from '../client/api-error.ts';
import type { Api } from '../client/connect.ts';
import { createEndedPoll } from './poll-ended.ts';

/** Says which executions are followed. */
interface FollowOptions {
  /** The filter of ListExecutions. Its states are those in which an execution has ended. */
  readonly filter: ListExecutionsRequest;
  /** Those that have ended before are returned too, if they were accepted at this time or later. */
  readonly since: Date | undefined;
  readonly intervalMs: number;
  /** Is told what people should know: that the server is away, or that there is too much to follow. */
  readonly warn: (text: string) => void;
}

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 10_000;
const REPEATED: readonly string[] = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED'];

/**
 * Returns each execution once, when it has ended. It asks the server again and again, and waits when the server is away, so
 * that nothing is lost. @throws ApiError when the server refuses
 */
export async function* endedExecutions(
  api: Api,
  { filter, since, intervalMs, warn }: FollowOptions,
): AsyncGenerator<Execution> {
  let hasWarned = false;
  const poll = createEndedPoll(api, filter, () => {
    if (!hasWarned) warn('there are too many executions at once, and some are left out: narrow the filter');
    hasWarned = true;
  });
  yield* await repeated(() => poll.begin(since), warn);
  for (;;) {
    await setTimeout(intervalMs);
    yield* await repeated(() => poll.next(), warn);
  }
}

/** Asks again what the server can't answer now. */
async function repeated<T>(ask: () => Promise<T>, warn: (text: string) => void): Promise<T> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ApiError) || !REPEATED.includes(error.refusal.status)) throw error;
      if (waitMs === FIRST_WAIT_MS) warn(`${error.refusal.detail}; it is asked again`);
      await setTimeout(waitMs);
    }
  }
}
