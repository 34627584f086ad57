import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { CallLog } from './call-log.ts';
import type { CallResponse } from './call-response.ts';
import type { Replica } from './replica.ts';

/** Says which calls a load makes, and how many at a time. */
export interface LoadOptions {
  readonly callLog: CallLog;
  readonly replicas: readonly Replica[];
  readonly agentUuids: readonly string[];
  /** Says how many conversations are in progress at once. */
  readonly concurrency: number;
  /** The deadline of each call. */
  readonly deadlineMs?: number;
  /** The share of the calls that have a deadline between half a second and one and a half. */
  readonly impatient?: number;
}

/** A load that runs. */
export interface Load {
  /** Begins no new conversation, and resolves when those in progress are over. */
  stop(): Promise<void>;
}

const TRIES = 6;
const REMEMBERED = 200;
// The shares of the conversations whose start is sent twice at once, and whose end is sent while the start still runs.
const DOUBLED = 0.04;
const OVERTAKEN = 0.04;
const OVERTAKEN_WITHIN_MS = 60;

/**
 * Plays calls as a platform would. Each conversation starts and ends once, each on some replica. A call that is refused as
 * UNAVAILABLE is repeated on another replica. Now and then an old call is repeated, a start is sent twice at once, or an end
 * is sent while its start runs.
 */
export function startLoad(options: LoadOptions): Load {
  const { callLog, agentUuids, concurrency, deadlineMs = 8_000, impatient = 0 } = options;
  const remembered: { agentUuid: string; conversationUuid: string }[] = [];
  let stopped = false;

  const call = async (
    rpc: 'start' | 'end',
    names: { agentUuid: string; conversationUuid: string },
    first = pick(livingOf(options.replicas)),
  ): Promise<void> => {
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const replica = tries === 1 ? first : pick(livingOf(options.replicas));
      const ownMs = Math.random() < impatient ? Math.round(500 + Math.random() * 1_000) : deadlineMs;
      const response = await callLog.call(replica, { rpc, ...names, deadlineMs: ownMs });
      if (!invitesRepeat(response)) return;
      await wait(Math.random() * 150 * tries);
    }
  };
  const start = async (names: { agentUuid: string; conversationUuid: string }): Promise<void> => {
    const chance = Math.random();
    const one = pick(livingOf(options.replicas));
    const others = options.replicas.filter((replica) => replica !== one && replica.isAlive);
    const more = async (): Promise<void> => {
      if (chance < DOUBLED) return call('start', names, others.length === 0 ? one : pick(others));
      if (chance > DOUBLED + OVERTAKEN) return;
      await wait(Math.random() * OVERTAKEN_WITHIN_MS);
      await call('end', names);
    };
    await Promise.all([call('start', names, one), more()]);
  };
  const converse = async (): Promise<void> => {
    const names = { agentUuid: pick(agentUuids), conversationUuid: randomUUID() };
    await start(names);
    if (Math.random() < 0.3) await call('start', names);
    await call('end', names);
    if (Math.random() < 0.3) await call('end', names);
    remembered[Math.floor(Math.random() * REMEMBERED)] = names;
    const old = pick(remembered.filter(() => true));
    if (Math.random() < 0.5) await call(Math.random() < 0.5 ? 'start' : 'end', old);
  };
  const work = async (): Promise<void> => {
    while (!stopped) await converse();
  };
  const done = Promise.all(Array.from({ length: concurrency }, work)).then(() => undefined);
  return {
    stop: () => {
      stopped = true;
      return done;
    },
  };
}

const INVITE_REPEAT = ['UNAVAILABLE', 'ABORTED', 'CANCELLED', 'RESOURCE_EXHAUSTED'];

function invitesRepeat(response: CallResponse): boolean {
  return response.kind === 'error' && INVITE_REPEAT.includes(response.code);
}

// Dead replicas are called now and then too, because a platform learns of a death by calling.
function livingOf(replicas: readonly Replica[]): readonly Replica[] {
  const living = replicas.filter(({ isAlive }) => isAlive);
  return living.length === 0 || Math.random() < 0.05 ? replicas : living;
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T;
}
