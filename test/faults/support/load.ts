import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Journal, Told } from './journal.ts';
import type { Replica } from './replicas.ts';

/** What calls are made, and how many at a time. */
export interface LoadOptions {
  readonly journal: Journal;
  readonly replicas: readonly Replica[];
  readonly agentUuids: readonly string[];
  /** Conversations in progress at once. */
  readonly concurrency: number;
  /** Ends by itself after so many conversations; absent: when it is stopped. */
  readonly conversations?: number;
  /** Of each caller, for each call. */
  readonly deadlineMs?: number;
  /** This share of the calls has a deadline between half a second and one and a half. */
  readonly impatient?: number;
}

/** A load under way. */
export interface Load {
  /** Begins no new conversation; resolves when those in progress are over. */
  stop(): Promise<void>;
  /** Resolves when it has made all its conversations. */
  readonly done: Promise<void>;
}

const TRIES = 6;
const REMEMBERED = 200;
// Of the conversations: their start is sent twice at once, or their end while the start is still running.
const DOUBLED = 0.04;
const OVERTAKEN = 0.04;
const OVERTAKEN_WITHIN_MS = 60;

/**
 * Plays calls as a platform would: each conversation starts and ends once, on replicas of its own choice; what is
 * refused as UNAVAILABLE is repeated on another one; now and then something old is repeated, a start is sent twice at once,
 * or an end comes while its start is running.
 */
export const startLoad = (options: LoadOptions): Load => {
  const {
    journal,
    agentUuids,
    concurrency,
    conversations = Infinity,
    deadlineMs = 8_000,
    impatient = 0,
  } = options;
  const remembered: { agentUuid: string; conversationUuid: string }[] = [];
  let stopped = false;
  let begun = 0;

  const call = async (
    rpc: 'start' | 'end',
    names: { agentUuid: string; conversationUuid: string },
    first = pick(livingOf(options.replicas)),
  ): Promise<void> => {
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const replica = tries === 1 ? first : pick(livingOf(options.replicas));
      const ownMs = Math.random() < impatient ? Math.round(500 + Math.random() * 1_000) : deadlineMs;
      const told = await journal.call(replica, { rpc, ...names, deadlineMs: ownMs });
      if (!isWorthRepeating(told)) return;
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
    while (!stopped && begun < conversations) {
      begun += 1;
      await converse();
    }
  };
  const done = Promise.all(Array.from({ length: concurrency }, work)).then(() => undefined);
  return {
    done,
    stop: () => {
      stopped = true;
      return done;
    },
  };
};

const isWorthRepeating = (told: Told): boolean =>
  told.kind === 'error' && ['UNAVAILABLE', 'ABORTED', 'CANCELLED', 'RESOURCE_EXHAUSTED'].includes(told.code);

// A dead replica is called now and then, too: a platform learns of a death by calling.
const livingOf = (replicas: readonly Replica[]): readonly Replica[] => {
  const living = replicas.filter(({ isAlive }) => isAlive);
  return living.length === 0 || Math.random() < 0.05 ? replicas : living;
};

const pick = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)] as T;
