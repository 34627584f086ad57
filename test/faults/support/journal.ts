import type * as pb from '../../../src/gen/index.callhooks.v1.ts';
import { RpcError } from '../../support/rpc.ts';
import type { Replica } from './replicas.ts';
import { watchStalls, type Stall } from './stalls.ts';

/** What a caller was told. Times are epoch milliseconds. */
export interface Entry {
  readonly rpc: 'start' | 'end';
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly replica: string;
  readonly sentAtMs: number;
  readonly deadlineAtMs: number;
  readonly toldAtMs: number;
  readonly told: Told;
}

/** A reply (its text without `replayed`, so that equal ones are equal), or an error. */
export type Told =
  | {
      readonly kind: 'reply';
      readonly text: string;
      readonly replayed: boolean;
      readonly executionUuid: string | undefined;
      readonly state: pb.ExecutionState | undefined;
    }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly reason: string;
      readonly message: string;
      readonly retryAfterMs: number | undefined;
    };

/** A call to be made. */
export interface Call {
  readonly rpc: 'start' | 'end';
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly deadlineMs?: number;
}

/** Makes calls and remembers what each was told. */
export interface Journal {
  /** Never rejects: an error is something that one is told, too. */
  call(replica: Replica, call: Call): Promise<Told>;
  /** Adds calls that another process has made, and the stalls of that process. */
  add(entries: readonly Entry[], stalls: readonly Stall[]): void;
  readonly entries: readonly Entry[];
  /** When this process got no turn. */
  readonly stalls: readonly Stall[];
  close(): void;
}

const DEADLINE_MS = 8_000;
// The caller itself waits longer than its deadline, so that a late reply is seen as what it is.
const PATIENCE_MS = 3_000;

/** Begins an empty journal. */
export const createJournal = (): Journal => {
  const entries: Entry[] = [];
  const stalls: Stall[] = [];
  const texts = new Map<string, string>();
  const unwatch = watchStalls((stall) => stalls.push(stall));

  const call = async (replica: Replica, it: Call): Promise<Told> => {
    const { deadlineMs = DEADLINE_MS } = it;
    const sentAtMs = Date.now();
    const told = await tell(replica, it, deadlineMs);
    const { rpc, agentUuid, conversationUuid } = it;
    const names = { rpc, agentUuid, conversationUuid, replica: replica.name };
    const times = { sentAtMs, deadlineAtMs: sentAtMs + deadlineMs, toldAtMs: Date.now() };
    // Equal replies share one text: a long run makes very many.
    if (told.kind === 'reply' && !texts.has(told.text)) texts.set(told.text, told.text);
    const kept = told.kind === 'reply' ? { ...told, text: texts.get(told.text) ?? told.text } : told;
    entries.push({ ...names, ...times, told: kept });
    return told;
  };
  const add: Journal['add'] = (more, itsStalls) => {
    for (const entry of more) entries.push(entry);
    stalls.push(...itsStalls);
  };
  return { call, add, entries, stalls, close: unwatch };
};

const tell = async (replica: Replica, it: Call, deadlineMs: number): Promise<Told> => {
  const { agentUuid, conversationUuid, rpc } = it;
  const { calls } = replica.rpc;
  // The server is told the deadline; the client's own clock does not cut the call off at it.
  const options = {
    deadlineMs: Infinity,
    headers: { 'grpc-timeout': `${deadlineMs}m` },
    signal: AbortSignal.timeout(deadlineMs + PATIENCE_MS),
  };
  const request = { agentUuid, conversationUuid, callerPhone: `+49 ${conversationUuid}` };
  try {
    if (rpc === 'start') return toldReply(await calls.onCallStart(request, options));
    return toldReply(await calls.onCallEnd({ ...request, callSummary: 'bye' }, options));
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return toldError(error);
  }
};

/** Returns what a caller was told by a reply. */
export function toldReply({ replayed, ...reply }: pb.OnCallStartResponse | pb.OnCallEndResponse): Told {
  return { ...replyOf(reply), text: textOf(reply), replayed };
}

/** Returns what a caller was told by an error. */
export function toldError({ code, reason, message, retryAfterMs }: RpcError): Told {
  return { kind: 'error', code, reason, message, retryAfterMs };
}

const replyOf = ({ execution }: { execution: pb.Execution | undefined }) => ({
  kind: 'reply' as const,
  executionUuid: execution?.executionUuid,
  state: execution?.state,
});

// What is JSON.stringify's for a bigint nobody says; a Duration holds one.
const textOf = (reply: object): string =>
  JSON.stringify(reply, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
