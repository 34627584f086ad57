import type { ServerUnaryCall } from '@grpc/grpc-js';
import type { RequestContext } from '../commands/request-context.ts';
import type { Arrival } from '../engine/limits/call-gate.ts';
import { callingExecutionUuids } from './calling-executions.ts';

/** What a handler knows of its RPC. Commands see the {@link RequestContext} in it. */
export interface CallContext extends RequestContext {
  /** `callhooks.v1.CallLifecycle/OnCallStart`. */
  readonly rpc: string;
  /** Address and port of the caller. */
  readonly peer: string;
  /** The caller's deadline in epoch milliseconds; absent: none was given. */
  readonly deadlineEpochMs?: number;
  /** The first value of a gRPC header, by its name in lower case. */
  header(name: string): string | undefined;
  /** Adds fields (ids, outcomes: nothing confidential) to the RPC's log line. */
  log(fields: object): void;
}

/** The reason of {@link RequestContext.signal}: the caller cancelled, went away, or its deadline passed. */
export const CALL_ENDED = new Error('the caller no longer waits');

/** A context together with what its adapter does with it. */
export interface OpenCall {
  readonly context: CallContext;
  readonly logFields: object;
  readonly abort: () => void;
}

/** Reads the context of a call that was just admitted. */
export const openCall = (
  call: ServerUnaryCall<Buffer, Buffer>,
  requestId: string,
  arrival: Arrival,
): OpenCall => {
  const admittedAtMs = performance.now();
  const controller = new AbortController();
  const logFields = {};
  const header = (name: string): string | undefined => call.metadata.get(name)[0]?.toString();
  const traceparent = header('traceparent');
  const context: CallContext = {
    requestId,
    admittedAtMs,
    ...deadlineOf(call, admittedAtMs),
    signal: controller.signal,
    callingExecutionUuids: callingExecutionUuids(call.metadata),
    ...(traceparent === undefined ? {} : { traceparent }),
    requestBytes: call.request.length,
    arrival,
    rpc: call.getPath().slice(1),
    peer: call.getPeer(),
    header,
    log: (fields) => void Object.assign(logFields, fields),
  };
  return { context, logFields, abort: () => controller.abort(CALL_ENDED) };
};

/** grpc-js counts deadlines on the wall clock, and says Infinity when there is none. */
const deadlineOf = (
  call: ServerUnaryCall<Buffer, Buffer>,
  nowMs: number,
): { deadlineAtMs: number; deadlineEpochMs: number } | object => {
  const deadlineEpochMs = Number(call.getDeadline());
  if (!Number.isFinite(deadlineEpochMs)) return {};
  return { deadlineEpochMs, deadlineAtMs: nowMs + (deadlineEpochMs - Date.now()) };
};
