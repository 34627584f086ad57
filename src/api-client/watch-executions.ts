import { setTimeout } from 'node:timers/promises';
import {
  ExecutionLogService,
  type Execution,
  type WatchExecutionsRequest,
  type WatchExecutionsResponse,
} from '../gen/index.callhooks.v1.ts';
import { createBackOff } from './back-off.ts';
import { CallhooksClientError, type StatusCode } from './client-error.ts';
import type { Connection, RpcOptions } from './connection.ts';

/** What a caller may set for a watch. It has no deadline. */
export interface WatchOptions extends Omit<RpcOptions, 'timeoutMs'> {
  /** Is told once when the stream is lost and the first try to resume it fails too. Streams last an hour at most. */
  readonly onLost?: ((error: CallhooksClientError) => void) | undefined;
}

/** What commands and tests set too. */
interface InnerWatchOptions extends WatchOptions {
  /** Goes on to try when the first stream can't be had, instead of throwing. */
  readonly waitsForServer?: boolean;
  readonly firstWithinMs?: number;
  /** Waits before another try. It is the clock of the process when it is absent. */
  readonly wait?: typeof waitUnlessAborted;
}

/** What the library, a proxy or callhooks says when another try can help. */
const LOST_AT_FIRST: readonly StatusCode[] = ['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'DEADLINE_EXCEEDED'];
/** What a stream ends with, beside those, when something between client and server has cut it off. */
const LOST_LATER: readonly StatusCode[] = [...LOST_AT_FIRST, 'CANCELLED', 'INTERNAL', 'UNKNOWN'];

const { path, requestSerialize, responseDeserialize } = ExecutionLogService.watchExecutions;

/**
 * Watches executions over one stream after another: when a stream is lost, the next one resumes at the `finishedAtTo` of the
 * last message. An execution that a resumed stream tells again is left out. It ends by an error alone: of the first stream, or
 * one that another try can't help.
 * @throws CallhooksClientError; the reason of the signal when it is aborted
 */
export async function* watchExecutions(
  { receive, closed }: Pick<Connection, 'receive' | 'closed'>,
  request: WatchExecutionsRequest,
  options: InnerWatchOptions = {},
): AsyncGenerator<WatchExecutionsResponse, void, undefined> {
  const { onLost, waitsForServer = false, firstWithinMs, headers = {}, wait = waitUnlessAborted } = options;
  const signal = options.signal === undefined ? closed : AbortSignal.any([closed, options.signal]);
  const withoutTold = createToldExecutions();
  const backOff = createBackOff();
  let finishedAtFrom = request.finishedAtFrom;
  let hasBegun = false;
  let failures = 0;
  for (;;) {
    let retryAfterMs: number | undefined;
    backOff.begins();
    try {
      const bytes = requestSerialize({ ...request, finishedAtFrom });
      for await (const reply of receive(path, bytes, { signal, headers, firstWithinMs })) {
        const message = responseDeserialize(reply);
        finishedAtFrom = message.finishedAtTo ?? finishedAtFrom;
        hasBegun = true;
        failures = 0;
        yield { ...message, executions: withoutTold(message) };
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!isWorthAnotherTry(error, hasBegun) || (!hasBegun && !waitsForServer)) throw error;
      failures += 1;
      if (failures === (hasBegun ? 2 : 1)) onLost?.(error);
      ({ retryAfterMs } = error);
    }
    await wait(backOff.nextMs(retryAfterMs), signal);
    signal.throwIfAborted();
  }
}

function isWorthAnotherTry(error: unknown, hasBegun: boolean): error is CallhooksClientError {
  if (!(error instanceof CallhooksClientError)) return false;
  // callhooks gives an id to what went wrong in itself.
  return (hasBegun ? LOST_LATER : LOST_AT_FIRST).includes(error.code) && error.requestId === undefined;
}

async function waitUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}

/** The most executions that are remembered. A server tells 200 a second, and resumes about 10 s back. */
const MAX_TOLD = 20_000;

/** Makes a function that returns the executions of a message that no message before it had. */
function createToldExecutions(): (message: WatchExecutionsResponse) => Execution[] {
  /** When each of those ended that a resumed stream can tell again. */
  const told = new Map<string, number>();
  return ({ executions, finishedAtTo }) => {
    // A post-call that was marked INTERRUPTED can end a second time, in another state.
    const keyOf = ({ executionUuid, state }: Execution): string => `${executionUuid} ${state}`;
    const fresh = executions.filter((execution) => !told.has(keyOf(execution)));
    for (const execution of fresh) told.set(keyOf(execution), Number(execution.finishedAt ?? 0));
    for (const [key, endedMs] of told)
      if (endedMs < Number(finishedAtTo ?? 0) || told.size > MAX_TOLD) told.delete(key);
    return fresh;
  };
}
