import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Call, CallLog } from './call-log.ts';
import type { CallResponse } from './call-response.ts';
import type { Replica } from './replica.ts';

/** Says how many conversations are played, and how many of them at a time. */
export interface SameCallOptions {
  readonly callLog: CallLog;
  readonly replicas: readonly Replica[];
  readonly agentUuid: string;
  readonly conversations: number;
  readonly atOnce: number;
}

const CALLERS = 3;
const REPEATED_AFTER_MS = 100;
/** Allows a machine that stands still for a moment to refuse a few calls, which are then repeated. */
export const RARELY_REFUSED = { refusedAs: ['LIMIT_REACHED'], refusedShare: 0.05 } as const;
// In every fourth conversation OnCallEnd is sent at the same instant as OnCallStart.
const OVERTAKEN_EVERY = 4;

/**
 * Starts and ends conversations. Three callers send each call at once, each to another replica where there are so many.
 * Returns the three responses to each call.
 */
export async function sendEverywhere(
  options: SameCallOptions,
): Promise<readonly (readonly CallResponse[])[]> {
  const { callLog, replicas, agentUuid, conversations, atOnce } = options;
  const responses: (readonly CallResponse[])[] = [];
  let begun = 0;
  // While the disk stands still for a moment, calls are refused; a repeat is as good as new.
  const send = async (replica: Replica, call: Call): Promise<CallResponse> => {
    for (;;) {
      const response = await callLog.call(replica, call);
      if (response.kind === 'reply' || response.reason !== 'LIMIT_REACHED') return response;
      await wait(REPEATED_AFTER_MS);
    }
  };
  const sendAll = async (rpc: 'start' | 'end', conversationUuid: string): Promise<void> => {
    const callers = Array.from({ length: CALLERS }, (_, at) => replicas[at % replicas.length] as Replica);
    const calls = callers.map((replica) => send(replica, { rpc, agentUuid, conversationUuid }));
    responses.push(await Promise.all(calls));
  };
  const work = async (): Promise<void> => {
    while (begun < conversations) {
      begun += 1;
      const isOvertaken = begun % OVERTAKEN_EVERY === 0;
      const conversationUuid = randomUUID();
      const starting = sendAll('start', conversationUuid);
      if (!isOvertaken) await starting;
      await Promise.all([starting, sendAll('end', conversationUuid)]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return responses;
}

/** Returns the responses to each call whose callers did not all get the same execution, exactly one of them not replayed. */
export function disagreements(calls: readonly (readonly CallResponse[])[]): readonly string[] {
  return calls.filter((responses) => !agree(responses)).map((responses) => JSON.stringify(responses));
}

function agree(responses: readonly CallResponse[]): boolean {
  const replies = responses.flatMap((one) => (one.kind === 'reply' ? [one] : []));
  const uuids = new Set(replies.map(({ executionUuid }) => executionUuid));
  const firsts = replies.filter(({ replayed }) => !replayed);
  return replies.length === CALLERS && uuids.size === 1 && !uuids.has(undefined) && firsts.length === 1;
}
