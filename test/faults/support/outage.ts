import { setTimeout as wait } from 'node:timers/promises';
import type { Replica } from './replica.ts';
import { probeDatabase, type ProbeResult } from './database-probe.ts';
import { stalledBetween, watchStalls, type Stall } from './stalls.ts';

/** The answer to one probe call. Instants are epoch milliseconds. */
export interface ProbeAnswer extends ProbeResult {
  readonly sentAtMs: number;
  readonly respondedAtMs: number;
  /** Says how long the call took, without the time in which this process got no turn. */
  readonly tookMs: number;
}

/** A change of what the health service says, at an instant in epoch milliseconds. */
export interface HealthChange {
  readonly atMs: number;
  readonly isServing: boolean;
}

/** Records what callers and the load balancer see of one replica while its database comes and goes. */
export interface OutageWatch {
  readonly answers: readonly ProbeAnswer[];
  /** The first one is what health said at the beginning. */
  readonly health: readonly HealthChange[];
  stop(): Promise<void>;
}

const PROBE_EVERY_MS = 100;
const SERVING = Buffer.from([8, 1]);
// Longer than anything here may take.
const DEADLINE_MS = 20_000;

/** Makes a probe call and asks for health ten times a second, also while earlier ones are unanswered. */
export function watchOutage(replica: Replica): OutageWatch {
  const answers: ProbeAnswer[] = [];
  const health: HealthChange[] = [];
  const stalls: Stall[] = [];
  const unwatch = watchStalls((stall) => stalls.push(stall));
  const running = new Set<Promise<void>>();
  let stopped = false;

  const probe = async (): Promise<void> => {
    const sentAtMs = Date.now();
    const result = await probeDatabase(replica, DEADLINE_MS);
    const respondedAtMs = Date.now();
    const tookMs = respondedAtMs - sentAtMs - stalledBetween(stalls, sentAtMs, respondedAtMs);
    answers.push({ sentAtMs, respondedAtMs, tookMs, ...result });
  };
  const checkHealth = async (): Promise<void> => {
    const path = '/grpc.health.v1.Health/Check';
    const reply = await replica.rpc.raw(path, new Uint8Array(), { deadlineMs: DEADLINE_MS });
    const isServing = reply.equals(SERVING);
    if (health.at(-1)?.isServing !== isServing) health.push({ atMs: Date.now(), isServing });
  };
  const run = async (): Promise<void> => {
    while (!stopped) {
      for (const begun of [probe(), checkHealth()]) {
        running.add(begun);
        void begun.finally(() => running.delete(begun)).catch(() => undefined);
      }
      await wait(PROBE_EVERY_MS);
    }
    await Promise.all(running);
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
}
