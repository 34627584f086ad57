import type { Metadata, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import type { RequestContext } from '../commands/request-context.ts';
import { readTraceparent } from '../domain/trace-context.ts';
import { parseUuid } from './requests/reader.ts';
import type { Arrival } from '../engine/limits/call-gate.ts';
import { CALLER_HEADER } from './limits/arrivals.ts';

/** The bytes of a message. The adapter takes them out, because grpc-js keeps the holder until the RPC has ended. */
export interface MessageHolder {
  bytes: Buffer;
}

/** A call of grpc-js, with one reply or with a stream of them. */
type AnyCall = ServerUnaryCall<MessageHolder, Buffer> | ServerWritableStream<MessageHolder, Buffer>;

/** What a handler knows of its RPC. Commands see only the {@link RequestContext} in it. */
export interface CallContext extends RequestContext {
  /** The method, such as `callhooks.v1.CallLifecycle/OnCallStart`. */
  readonly rpc: string;
  /** Address and port of the caller. */
  readonly peer: string;
  /** The caller's deadline in epoch milliseconds. It is absent when the caller set none. */
  readonly deadlineEpochMs?: number;
  /** The adapter sets it when it has measured the message. */
  memoryBytes: number;
  /** The adapter sets it when the message has many values. */
  ownTurn: (() => Promise<void>) | undefined;
  /** Adds fields to the log line of the RPC: ids and outcomes, nothing confidential. */
  log(fields: object): void;
}

/** The reason of {@link RequestContext.signal}: the caller cancelled, went away, or its deadline passed. */
export const CALL_ENDED = new Error('the caller no longer waits');

/** The span of an RPC, where traces are on. */
export interface RpcSpan {
  /** The W3C trace context of the span. */
  readonly traceparent: string;
  /** Runs the work, and all that it waits for, as a part of the span. */
  run<T>(work: () => T): T;
  /** Ends the span with the status and the fields of the RPC's log line. */
  end(code: string, fields: object): void;
}

/** Begins the span of an RPC, as a child of the caller's span if there is one. */
export type StartRpcSpan = (rpc: string, traceparent: string | undefined) => RpcSpan;

/** A context, together with the parts that only the adapter uses. */
export interface OpenCall {
  readonly context: CallContext;
  readonly logFields: object;
  readonly span: RpcSpan | undefined;
  readonly abort: () => void;
}

/** Returns the context of a call that was just admitted. */
export function openCall(
  call: AnyCall,
  requestId: string,
  arrival: Arrival,
  startSpan?: StartRpcSpan,
): OpenCall {
  const admittedAtMs = performance.now();
  const controller = new AbortController();
  const logFields = {};
  const rpc = call.getPath().slice(1);
  const incoming = readTraceparent(call.metadata.get('traceparent')[0]?.toString());
  const span = startSpan?.(rpc, incoming);
  const traceparent = span === undefined ? incoming : span.traceparent;
  const caller = call.metadata.get(CALLER_HEADER)[0]?.toString();
  const context: CallContext = {
    requestId,
    admittedAtMs,
    ...deadlineOf(call, admittedAtMs),
    signal: controller.signal,
    callingExecutionUuids: callingExecutionUuids(call.metadata),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(caller === undefined ? {} : { caller }),
    messageBytes: call.request.bytes.length,
    memoryBytes: 0,
    ownTurn: undefined,
    arrival,
    rpc,
    peer: call.getPeer(),
    log: (fields) => void Object.assign(logFields, fields),
  };
  return { context, logFields, span, abort: () => controller.abort(CALL_ENDED) };
}

/** grpc-js measures deadlines on the wall clock, and returns Infinity when the caller set none. */
function deadlineOf(
  call: AnyCall,
  nowMs: number,
): { deadlineAtMs: number; deadlineEpochMs: number } | object {
  const deadlineEpochMs = Number(call.getDeadline());
  if (!Number.isFinite(deadlineEpochMs)) return {};
  return { deadlineEpochMs, deadlineAtMs: nowMs + (deadlineEpochMs - Date.now()) };
}

const EXECUTION_HEADER = 'callhooks-execution';
const BAGGAGE_MEMBER = 'callhooks.execution';
/** Each of these executions costs a read of the database. */
const MAX_CALLING_EXECUTIONS = 8;

/**
 * Returns the executions that the caller says it is part of, at most eight, in lower case, each once. It reads the header
 * `callhooks-execution` and the member `callhooks.execution` of W3C `baggage`, and ignores any text that is no UUID.
 */
export function callingExecutionUuids(headers: Metadata): string[] {
  const header = headers.get(EXECUTION_HEADER).flatMap((value) => String(value).split(','));
  const baggage = headers.get('baggage').flatMap((value) => String(value).split(','));
  if (header.length === 0 && baggage.length === 0) return [];
  const texts = [...header, ...baggage.flatMap(executionOfMember)];
  const uuids = texts.map((text) => parseUuid(text.trim())).filter((uuid) => uuid !== undefined);
  return [...new Set(uuids)].slice(0, MAX_CALLING_EXECUTIONS);
}

/** A member is `key=value`, possibly with `;properties`. A UUID has no character that needs percent-encoding. */
function executionOfMember(member: string): string[] {
  const [pair = ''] = member.split(';');
  const [key = '', value = ''] = pair.split('=');
  return key.trim() === BAGGAGE_MEMBER ? [value] : [];
}
