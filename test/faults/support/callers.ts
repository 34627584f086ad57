import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import { RpcError } from '../../support/rpc.ts';
import { toldError, toldReply, type Entry, type Journal, type Told } from './journal.ts';
import type { Replica } from './replicas.ts';
import type { Stall } from './stalls.ts';

const MAIN = fileURLToPath(new URL('callers-main.ts', import.meta.url));

/** The calls that are to be made, all of one kind. */
export interface CallPlan {
  readonly rpc: 'start' | 'end';
  readonly agentUuid: string;
  /**
   * `perSecond`: each call is made when it is due, whatever became of those before. `atOnce`: so many callers, each of whom
   * calls again when it has been answered.
   */
  readonly pace: { readonly perSecond: number } | { readonly atOnce: number };
  /** New conversations for so long, or these conversations once each. */
  readonly of: { readonly seconds: number } | { readonly conversationUuids: readonly string[] };
}

/** What the other process is asked for. */
export interface CallOrder extends CallPlan {
  readonly port: number;
  readonly deadlineMs: number;
}

/** A call as the other process saw it: HTTP/2 headers and bytes. Without a status its stream broke. */
export interface RawCall {
  readonly conversationUuid: string;
  readonly sentAtMs: number;
  readonly toldAtMs: number;
  readonly status?: string;
  readonly message?: string;
  readonly details?: string;
  readonly reply?: Uint8Array;
}

/** What the other process answers. */
export interface CallsMade {
  readonly calls: readonly RawCall[];
  readonly stalls: readonly Stall[];
  /** By how much the call that was furthest behind its schedule was late. */
  readonly behindMs: number;
}

/** Callers in a process of their own, so that the load stays what it is meant to be, whatever the tests do. */
export interface Callers {
  /** Makes calls and adds them to the journal; resolves when each was told something. */
  call(
    replica: Replica,
    plan: CallPlan,
  ): Promise<{ readonly entries: readonly Entry[]; readonly behindMs: number }>;
  close(): Promise<void>;
}

const DEADLINE_MS = 8_000;

/** Starts the callers' process. */
export function startCallers(journal: Journal): Callers {
  const child = fork(MAIN, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
  return {
    call: async (replica, plan) => {
      const order: CallOrder = { ...plan, port: replica.port, deadlineMs: DEADLINE_MS };
      child.send(order);
      const [made] = (await once(child, 'message', { signal: AbortSignal.timeout(300_000) })) as [CallsMade];
      const entries = made.calls.map((call) => toEntry(call, plan, replica.name));
      journal.add(entries, made.stalls);
      return { entries, behindMs: made.behindMs };
    },
    close: async () => {
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
  };
}

function toEntry(call: RawCall, { rpc, agentUuid }: CallPlan, replica: string): Entry {
  const { conversationUuid, sentAtMs, toldAtMs } = call;
  const times = { sentAtMs, deadlineAtMs: sentAtMs + DEADLINE_MS, toldAtMs };
  return { rpc, agentUuid, conversationUuid, replica, ...times, told: toldOf(call, rpc) };
}

function toldOf({ status, message = '', details, reply }: RawCall, rpc: 'start' | 'end'): Told {
  if (status === undefined)
    return {
      kind: 'error',
      code: 'BROKEN',
      reason: '',
      message: 'the stream broke',
      retryAfterMs: undefined,
    };
  if (status === '0') {
    const type = rpc === 'start' ? pb.OnCallStartResponse : pb.OnCallEndResponse;
    return toldReply(type.decode(reply ?? new Uint8Array()));
  }
  const metadata = Metadata.fromHttp2Headers(
    details === undefined ? {} : { 'grpc-status-details-bin': details },
  );
  const error = { code: Number(status), details: decodeURI(message), metadata };
  return toldError(new RpcError(error as ServiceError));
}
