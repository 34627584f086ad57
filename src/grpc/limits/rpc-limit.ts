import { limitReached } from '../../errors.ts';

/** Runs the work of an RPC, or rejects as `LIMIT_REACHED` while the maximum number of RPCs runs. */
export type RpcLimit = <T>(work: () => Promise<T>) => Promise<T>;

/** Makes a limit of `max` RPCs at once. `what` names them in the refusal. */
export function createRpcLimit(max: number, what: string): RpcLimit {
  let running = 0;
  return async (work) => {
    if (running >= max) throw limitReached(`${max} ${what} are already running`);
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
    }
  };
}
