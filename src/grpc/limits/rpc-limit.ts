import { CallhooksError } from '../../errors.ts';

/** Runs the work of an RPC, or rejects as `LIMIT_REACHED` when as much as is allowed runs already. */
export type RpcLimit = <T>(work: () => Promise<T>) => Promise<T>;

const RETRY_AFTER_MS = 1_000;

/** Makes a limit for so many RPCs at once. `what` names them in the refusal. */
export function createRpcLimit(max: number, what: string): RpcLimit {
  let running = 0;
  return async (work) => {
    if (running >= max) throw tooMany(max, what);
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
    }
  };
}

function tooMany(max: number, what: string): CallhooksError {
  return new CallhooksError('LIMIT_REACHED', `${max} ${what} are running already; nothing was done`, {
    retryAfterMs: RETRY_AFTER_MS,
  });
}
