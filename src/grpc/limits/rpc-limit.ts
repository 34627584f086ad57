import { limitReached } from '../../errors.ts';

/** Runs the work of an RPC in its turn, or rejects as `LIMIT_REACHED` while the maximum number of RPCs is open. */
export type RpcLimit = <T>(work: () => Promise<T>) => Promise<T>;

/** The settings of {@link createRpcLimit}. */
interface RpcLimitSettings {
  /** How many RPCs may be open: those that run and those that wait for their turn. */
  readonly maxOpen: number;
  /** How many of them run at once. */
  readonly maxRunning: number;
  /** Names the RPCs in the refusal. */
  readonly what: string;
}

/** Makes a limit. The RPCs that are open run in the order in which they came. */
export function createRpcLimit({ maxOpen, maxRunning, what }: RpcLimitSettings): RpcLimit {
  const waiting: (() => void)[] = [];
  let open = 0;
  let running = 0;
  const turn = (): Promise<void> | undefined => {
    if (running >= maxRunning) return new Promise((resolve) => void waiting.push(resolve));
    running += 1;
    return undefined;
  };
  // The next RPC takes the place of the one that ended, so `running` stays.
  const end = (): void => {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  };
  return async (work) => {
    if (open >= maxOpen) throw limitReached(`${maxOpen} ${what} are already open`);
    open += 1;
    try {
      await turn();
      try {
        return await work();
      } finally {
        end();
      }
    } finally {
      open -= 1;
    }
  };
}
