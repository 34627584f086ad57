import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import { RpcError } from '../../support/rpc.ts';
import type { CallLog, LoggedCall } from './call-log.ts';
import { errorResponse, replyResponse, type CallResponse } from './call-response.ts';
import type { Replica } from './replica.ts';
import type { Stall } from './stalls.ts';

const MAIN = fileURLToPath(new URL('callers-main.ts', import.meta.url));

/** Calls to be made, all of one RPC and agent. */
export interface CallPlan {
  readonly rpc: 'start' | 'end';
  readonly agentUuid: string;
  /**
   * With `perSecond` each call is made when it is due, also while earlier ones are unanswered. With `atOnce` there are so many
   * callers, each of which calls again when it has been answered.
   */
  readonly pace: { readonly perSecond: number } | { readonly atOnce: number };
  /** The calls are for new conversations for so long, or for each of these conversations. */
  readonly of: { readonly seconds: number } | { readonly conversationUuids: readonly string[] };
}

/** Is the order to the callers' process. */
export interface CallOrder extends CallPlan {
  readonly port: number;
  readonly deadlineMs: number;
}

/** A call as the callers' process saw it: HTTP/2 headers and bytes. Without a status its stream broke. */
export interface RawCall {
  readonly conversationUuid: string;
  readonly sentAtMs: number;
  readonly respondedAtMs: number;
  readonly status?: string;
  readonly message?: string;
  readonly details?: string;
  readonly reply?: Uint8Array;
}

/** Is the answer of the callers' process. */
export interface CallsMade {
  readonly calls: readonly RawCall[];
  readonly stalls: readonly Stall[];
  /** Says how late the call was that was furthest behind its schedule. */
  readonly behindMs: number;
}

/** Callers in a process of their own, so that the load does not depend on what the tests do meanwhile. */
export interface Callers {
  /** Makes calls and adds them to the call log; resolves when each has its response. */
  call(
    replica: Replica,
    plan: CallPlan,
  ): Promise<{ readonly entries: readonly LoggedCall[]; readonly behindMs: number }>;
  close(): Promise<void>;
}

const DEADLINE_MS = 8_000;

/** Starts the callers' process. */
export function startCallers(callLog: CallLog): Callers {
  const child = fork(MAIN, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
  return {
    call: async (replica, plan) => {
      const order: CallOrder = { ...plan, port: replica.port, deadlineMs: DEADLINE_MS };
      child.send(order);
      const [made] = (await once(child, 'message', { signal: AbortSignal.timeout(300_000) })) as [CallsMade];
      const entries = made.calls.map((call) => toLoggedCall(call, plan, replica.name));
      callLog.add(entries, made.stalls);
      return { entries, behindMs: made.behindMs };
    },
    close: async () => {
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
  };
}

function toLoggedCall(call: RawCall, { rpc, agentUuid }: CallPlan, replica: string): LoggedCall {
  const { conversationUuid, sentAtMs, respondedAtMs } = call;
  const deadlineAtMs = sentAtMs + DEADLINE_MS;
  const response = responseOf(call, rpc);
  return { rpc, agentUuid, conversationUuid, replica, sentAtMs, deadlineAtMs, respondedAtMs, response };
}

function responseOf({ status, message = '', details, reply }: RawCall, rpc: 'start' | 'end'): CallResponse {
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
    return replyResponse(type.decode(reply ?? new Uint8Array()));
  }
  const metadata = Metadata.fromHttp2Headers(
    details === undefined ? {} : { 'grpc-status-details-bin': details },
  );
  const error = { code: Number(status), details: decodeURI(message), metadata };
  return errorResponse(new RpcError(error as ServiceError));
}
