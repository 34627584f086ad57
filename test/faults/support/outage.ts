import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { RpcError } from '../../support/rpc.ts';
import type { Replica } from './replicas.ts';
import { stalledBetween, watchStalls, type Stall } from './stalls.ts';

/** What a new call was told, and when, in epoch milliseconds. */
export interface Answer {
  readonly sentAtMs: number;
  readonly toldAtMs: number;
  /** `there`, or the code and the reason of the refusal. */
  readonly told: string;
  readonly retryAfterMs: number | undefined;
  /** Without the time in which this process got no turn. */
  readonly tookMs: number;
}

/** When health began to say so, in epoch milliseconds. */
export interface HealthChange {
  readonly atMs: number;
  readonly isServing: boolean;
}

/** What callers and the load balancer see of one replica while its database comes and goes. */
export interface OutageWatch {
  readonly answers: readonly Answer[];
  /** The first one is what it said at the beginning. */
  readonly health: readonly HealthChange[];
  stop(): Promise<void>;
}

const ASK_EVERY_MS = 100;
const SERVING = Buffer.from([8, 1]);
// Longer than anything here may take.
const DEADLINE_MS = 20_000;

/** Makes a new call, and asks for health, ten times a second, whatever became of the ones before. */
export const watchOutage = (replica: Replica): OutageWatch => {
  const answers: Answer[] = [];
  const health: HealthChange[] = [];
  const stalls: Stall[] = [];
  const unwatch = watchStalls((stall) => stalls.push(stall));
  const asking = new Set<Promise<void>>();
  let stopped = false;

  const ask = async (): Promise<void> => {
    const sentAtMs = Date.now();
    const refusal = await newCall(replica);
    const toldAtMs = Date.now();
    const tookMs = toldAtMs - sentAtMs - stalledBetween(stalls, sentAtMs, toldAtMs);
    answers.push({ sentAtMs, toldAtMs, tookMs, ...refusal });
  };
  const checkHealth = async (): Promise<void> => {
    const path = '/grpc.health.v1.Health/Check';
    const reply = await replica.rpc.raw(path, new Uint8Array(), { deadlineMs: DEADLINE_MS });
    const isServing = reply.equals(SERVING);
    if (health.at(-1)?.isServing !== isServing) health.push({ atMs: Date.now(), isServing });
  };
  const run = async (): Promise<void> => {
    while (!stopped) {
      for (const begun of [ask(), checkHealth()]) {
        asking.add(begun);
        void begun.finally(() => asking.delete(begun)).catch(() => undefined);
      }
      await wait(ASK_EVERY_MS);
    }
    await Promise.all(asking);
    unwatch();
  };
  const done = run();
  return {
    answers,
    health,
    stop: () => {
      stopped = true;
      return done;
    },
  };
};

// Nobody's agent: without the database it is not known that there is none; nothing is left behind.
const newCall = async ({ rpc }: Replica): Promise<Pick<Answer, 'told' | 'retryAfterMs'>> => {
  const ids = { agentUuid: randomUUID(), conversationUuid: randomUUID() };
  try {
    await rpc.calls.onCallStart(ids, { deadlineMs: DEADLINE_MS });
    return { told: 'OK', retryAfterMs: undefined };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const { code, reason, retryAfterMs } = error;
    return { told: reason === 'AGENT_NOT_FOUND' ? 'there' : `${code} ${reason}`, retryAfterMs };
  }
};
