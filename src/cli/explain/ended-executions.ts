import type { Execution, WatchExecutionsRequest } from '../../gen/index.callhooks.v1.ts';
import { countText } from '../../explain/words.ts';
import { ApiError } from '../client/api-error.ts';
import type { Api } from '../client/connect.ts';
import { CommandError } from '../frame/command.ts';
import { EXIT } from '../frame/exit-codes.ts';

/** So often at most people are told how many executions were left out. The server tells the number each second. */
const WARN_EVERY_MS = 10_000;

/**
 * Returns each execution once, when it has ended. It waits while the server is away, so that nothing is lost. `warn` is told
 * what people should know: that the server is away, or how many executions were left out.
 * @throws CommandError when the server refuses, or is too old
 */
export async function* endedExecutions(
  api: Pick<Api, 'address' | 'watch'>,
  request: WatchExecutionsRequest,
  warn: (text: string) => void,
): AsyncGenerator<Execution> {
  let dropped = 0n;
  let warnedAtMs = -Infinity;
  try {
    for await (const message of api.watch(request, ({ refusal }) =>
      warn(`${refusal.detail}; it is asked again`),
    )) {
      dropped += message.dropped;
      if (dropped > 0n && performance.now() - warnedAtMs >= WARN_EVERY_MS) {
        warn(
          `${countText(Number(dropped), 'execution')} left out, because too many ended: narrow the filter`,
        );
        dropped = 0n;
        warnedAtMs = performance.now();
      }
      yield* message.executions;
    }
  } catch (error) {
    throw isOlderServer(error) ? tooOld(api.address) : error;
  }
}

function isOlderServer(error: unknown): boolean {
  return error instanceof ApiError && error.refusal.status === 'UNIMPLEMENTED';
}

function tooOld(address: string): CommandError {
  const text = `--follow needs WatchExecutions, which ${address} does not serve: it is an older callhooks, or another program`;
  return new CommandError(text, EXIT.no);
}
