import { status, type Metadata } from '@grpc/grpc-js';
import { traceIdOf } from '../domain/trace-context.ts';
import { tooManyBytes, type Reason } from '../errors.ts';
import type { Logger } from '../logger.ts';
import {
  CALL_ENDED,
  type CallContext,
  type MessageHolder,
  type OpenCall,
  type StartRpcSpan,
} from './call-context.ts';
import { decodeRequest, limitsOf, measureRequest } from './decode-request.ts';
import type { ArrivingMessage } from './limits/arriving-messages.ts';
import type { MessageShape } from './limits/message-shape.ts';
import type { OwnTurn } from './limits/own-turns.ts';
import type { RpcLimit } from './limits/rpc-limit.ts';
import { toErrorStatus, type ErrorStatus } from './status.ts';

/** The part of a generated method definition that an adapter uses. */
export interface RpcMethod<Request, Reply> {
  /** The path, such as `/callhooks.v1.CallLifecycle/OnCallStart`. */
  readonly path: string;
  readonly responseStream: boolean;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (reply: Reply) => Buffer;
}

/** The parts that all adapters of a server share. */
export interface AdapterDependencies {
  readonly logger: Logger;
  readonly newRequestId: () => string;
  /** Reports whether the server shuts down. RPCs that still arrive are refused then. */
  readonly isClosing: () => boolean;
  /** Aborted when the server begins to shut down. */
  readonly closing: AbortSignal;
  /** Returns the message of an RPC, by its gRPC headers. */
  readonly messageOf: (headers: Metadata) => ArrivingMessage;
  /** The shapes of the request messages, by the paths of their methods. */
  readonly requestShapes: ReadonlyMap<string, MessageShape>;
  readonly ownTurn: OwnTurn;
  /** Limits list and admin RPCs. */
  readonly adminLimit: RpcLimit;
  /** Called with the reason of each RPC that is answered with one. */
  readonly onRpcError?: ((reason: Reason) => void) | undefined;
  /** There is none where traces are off. */
  readonly startSpan?: StartRpcSpan | undefined;
}

/** A request message whose size is known and reserved, and which is not decoded yet. */
interface AdmittedRequest<Request> {
  /** How many JSON values, list elements and map entries it has. */
  readonly values: number;
  decode(): Request;
}

/** Takes the bytes out of their holder, checks them and reserves their memory. */
type AdmitRequest<Request> = (
  holder: MessageHolder,
  message: ArrivingMessage,
  context: CallContext,
) => AdmittedRequest<Request>;

/** Makes the function that admits the requests of a method. It throws CallhooksError for a request that it refuses. */
export function createAdmitRequest<Request>(
  { path, requestDeserialize }: RpcMethod<Request, never>,
  requestShapes: ReadonlyMap<string, MessageShape>,
): AdmitRequest<Request> {
  const { maxRequestBytes } = limitsOf(path);
  const shape = requestShapes.get(path);
  if (shape === undefined) throw new Error(`there is no descriptor of ${path}`);
  return (holder, message, context) => {
    const { bytes } = holder;
    holder.bytes = NO_BYTES;
    const { values, memoryBytes } = measureRequest(bytes, maxRequestBytes, shape);
    context.memoryBytes = memoryBytes;
    if (!message.reserve(memoryBytes)) throw tooManyBytes();
    return { values, decode: () => decodeRequest(requestDeserialize, bytes) };
  };
}

const NO_BYTES = Buffer.alloc(0);

/** Returns a method whose codecs leave the bytes as they are. The adapter decodes, because grpc-js answers INTERNAL when a codec throws. */
export function withoutCodecs(method: RpcMethod<unknown, unknown>): object {
  return { ...method, requestDeserialize: hold, responseSerialize: pass };
}

function hold(bytes: Buffer): MessageHolder {
  return { bytes };
}

function pass(bytes: Buffer): Buffer {
  return bytes;
}

/** Hands the end of an RPC to grpc-js. */
interface Respond<Answer> {
  succeed(answer: Answer): void;
  fail(status: Pick<ErrorStatus, 'code' | 'details' | 'metadata'>): void;
}

/** Finishes an RPC once: with success, with an error, or because its caller no longer waits. It logs one line for it. */
export function createRpcEnd<Answer>(
  { context, logFields, span, abort }: OpenCall,
  respond: Respond<Answer>,
  { logger, onRpcError }: Pick<AdapterDependencies, 'logger' | 'onRpcError'>,
) {
  let isDone = false;
  const line = (code: status, more: object): object => ({
    rpc: context.rpc,
    code: status[code],
    duration_ms: Math.round((performance.now() - context.admittedAtMs) * 1000) / 1000,
    request_id: context.requestId,
    ...(context.traceparent === undefined ? {} : { trace_id: traceIdOf(context.traceparent) }),
    peer: context.peer,
    ...(context.caller === undefined ? {} : { caller: context.caller }),
    ...logFields,
    ...more,
  });
  const finish = (level: 'info' | 'error', code: status, more: object): void => {
    logger[level](line(code, more), 'rpc');
    span?.end(status[code], { ...logFields, ...more });
  };
  return {
    succeeded: (answer: Answer): void => {
      if (isDone) return;
      isDone = true;
      respond.succeed(answer);
      finish('info', status.OK, {});
    },
    failed: (error: unknown): void => {
      const { code, details, metadata, reason, cause } = toErrorStatus(error, context.requestId);
      const level = code === status.INTERNAL ? 'error' : 'info';
      const more = { ...(reason && { reason }), ...(cause !== undefined && { err: cause }) };
      if (isDone) {
        if (level === 'error' && error !== CALL_ENDED)
          logger.error(line(code, more), 'rpc failed after it was answered');
        return;
      }
      isDone = true;
      if (reason !== undefined) onRpcError?.(reason);
      respond.fail({ code, details, metadata });
      finish(level, code, more);
    },
    // grpc-js calls this after every RPC, also after an answered one.
    cancelled: (): void => {
      if (isDone) return;
      isDone = true;
      abort();
      const isLate = (context.deadlineEpochMs ?? Infinity) <= Date.now();
      finish('info', isLate ? status.DEADLINE_EXCEEDED : status.CANCELLED, {});
    },
  };
}
