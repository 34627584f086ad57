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

/**
 * Plays calls as a platform would: each conversation starts and ends once, on replicas of its own choice; what is
 * refused as UNAVAILABLE is repeated on another one; now and then something old is repeated.
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
  ): Promise<void> => {
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const replica = pick(livingOf(options.replicas));
      const ownMs = Math.random() < impatient ? Math.round(500 + Math.random() * 1_000) : deadlineMs;
      const told = await journal.call(replica, { rpc, ...names, deadlineMs: ownMs });
      if (!isWorthRepeating(told)) return;
      await wait(Math.random() * 150 * tries);
    }
  };
  const converse = async (): Promise<void> => {
    const names = { agentUuid: pick(agentUuids), conversationUuid: randomUUID() };
    await call('start', names);
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
