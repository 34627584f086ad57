import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Call, Journal, Told } from './journal.ts';
import type { Replica } from './replicas.ts';

/** How many conversations are played, and how many of them at a time. */
export interface SameCallOptions {
  readonly journal: Journal;
  readonly replicas: readonly Replica[];
  readonly agentUuid: string;
  readonly conversations: number;
  readonly atOnce: number;
}

const CALLERS = 3;
const REPEATED_AFTER_MS = 100;
/** What callers may be told on a machine that stands still for a moment. */
export const SELDOM_REFUSED = { refusedAs: ['LIMIT_REACHED'], refusedShare: 0.05 } as const;
// In every so many conversations the end is sent at the same instant as the start.
const OVERTAKEN_EVERY = 4;

/**
 * Starts and ends conversations; each start and each end is sent by three callers at once, to replicas of their own where
 * there are so many. What the callers of each call were told.
 */
export const sendEverywhere = async (options: SameCallOptions): Promise<readonly (readonly Told[])[]> => {
  const { journal, replicas, agentUuid, conversations, atOnce } = options;
  const told: (readonly Told[])[] = [];
  let begun = 0;
  // A disk that stands still for a moment has calls refused; a repeat is as good as new.
  const tell = async (replica: Replica, call: Call): Promise<Told> => {
    for (;;) {
      const answer = await journal.call(replica, call);
      if (answer.kind === 'reply' || answer.reason !== 'LIMIT_REACHED') return answer;
      await wait(REPEATED_AFTER_MS);
    }
  };
  const tellAll = async (rpc: 'start' | 'end', conversationUuid: string): Promise<void> => {
    const callers = Array.from({ length: CALLERS }, (_, at) => replicas[at % replicas.length] as Replica);
    const calls = callers.map((replica) => tell(replica, { rpc, agentUuid, conversationUuid }));
    told.push(await Promise.all(calls));
  };
  const work = async (): Promise<void> => {
    while (begun < conversations) {
      begun += 1;
      const isOvertaken = begun % OVERTAKEN_EVERY === 0;
      const conversationUuid = randomUUID();
      const starting = tellAll('start', conversationUuid);
      if (!isOvertaken) await starting;
      await Promise.all([starting, tellAll('end', conversationUuid)]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return told;
};

/** What callers of one call were told, where not all were told the same execution, one of them as the first. */
export const disagreements = (told: readonly (readonly Told[])[]): readonly string[] =>
  told.filter((one) => !agree(one)).map((one) => JSON.stringify(one));

const agree = (told: readonly Told[]): boolean => {
  const replies = told.flatMap((one) => (one.kind === 'reply' ? [one] : []));
  const uuids = new Set(replies.map(({ executionUuid }) => executionUuid));
  const firsts = replies.filter(({ replayed }) => !replayed);
  return replies.length === CALLERS && uuids.size === 1 && !uuids.has(undefined) && firsts.length === 1;
};
