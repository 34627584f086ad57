import type { Metadata, sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';

import { traceIdOf } from '../domain/trace-context.ts';
import { shuttingDown, tooManyBytes, type Reason } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { CallContext, MessageHolder, OpenCall, StartRpcSpan } from './call-context.ts';
import { CALL_ENDED, openCall } from './call-context.ts';
import { decodeRequest, limitsOf, measureRequest } from './decode-request.ts';
import type { ArrivingMessage } from './limits/arriving-messages.ts';
import type { MessageShape } from './limits/message-shape.ts';
import type { OwnTurn } from './limits/own-turns.ts';
import type { RpcLimit } from './limits/rpc-limit.ts';
import { toErrorStatus } from './status.ts';

/** Serves one RPC. An error that it throws becomes the status; an error that is not ours becomes `INTERNAL`. */
export type Handler<Request, Reply> = (request: Request, context: CallContext) => Promise<Reply>;

/** The part of a generated method definition that the adapter uses. */
export interface UnaryMethod<Request, Reply> {
  /** The path, such as `/callhooks.v1.CallLifecycle/OnCallStart`. */
  readonly path: string;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (reply: Reply) => Buffer;
}

/** The parts that all adapters of a server share. */
export interface UnaryDependencies {
  readonly logger: Logger;
  readonly newRequestId: () => string;
  /** Reports whether the server shuts down. RPCs that still arrive are refused then. */
  readonly isClosing: () => boolean;
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

type Call = ServerUnaryCall<MessageHolder, Buffer>;
type Respond = sendUnaryData<Buffer>;

/**
 * Adapts a handler to grpc-js, which ignores rejections, sends the `message` of any error to the client, and answers
 * `INTERNAL` when a deserializer throws. The adapter decodes and encodes the messages, answers exactly once, and logs one
 * line for each RPC.
 */
export function createUnary<Request, Reply>(
  method: UnaryMethod<Request, Reply>,
  handler: Handler<Request, Reply>,
  dependencies: UnaryDependencies,
): (call: Call, respond: Respond) => void {
  const { maxRequestBytes, isLimited, reservesItself, isRead } = limitsOf(method.path);
  const { adminLimit, isClosing, messageOf, ownTurn, newRequestId, requestShapes } = dependencies;
  const shape = requestShapes.get(method.path);
  if (shape === undefined) throw new Error(`there is no descriptor of ${method.path}`);

  // No function that waits holds the request: a handler may let go of parts of it while its RPC still runs.
  const serve = (holder: MessageHolder, message: ArrivingMessage, context: CallContext): Promise<Buffer> => {
    const { bytes } = holder;
    holder.bytes = NO_BYTES;
    const { values, memoryBytes } = measureRequest(bytes, maxRequestBytes, shape);
    context.memoryBytes = memoryBytes;
    if (!message.reserve(memoryBytes)) throw tooManyBytes();
    const decode = (): Request => decodeRequest(method.requestDeserialize, bytes);
    const handle = (request: Request): Promise<Buffer> => {
      if (reservesItself) message.reserve(0);
      const reply = handler(request, context);
      // The reply of a list can have 1 MiB. The replies of many lists may be there in the same turn of the event loop.
      if (isLimited) return reply.then((made) => ownTurn().then(() => method.responseSerialize(made)));
      return reply.then(method.responseSerialize);
    };
    if (values <= MANY_VALUES) return handle(decode());
    context.ownTurn = ownTurn;
    return ownTurn()
      .then(decode)
      .then((request) => ownTurn().then(() => handle(request)));
  };
  const reply = async (
    holder: MessageHolder,
    message: ArrivingMessage,
    context: CallContext,
  ): Promise<Buffer> => {
    if (isClosing()) throw shuttingDown();
    if (isLimited) return adminLimit(() => serve(holder, message, context));
    return serve(holder, message, context);
  };
  return (call, respond) => {
    const message = messageOf(call.metadata);
    message.received();
    const open = openCall(call, newRequestId(), message.call, dependencies.startSpan);
    const rpc = createRpc(open, respond, dependencies);
    call.on('cancelled', rpc.cancelled);
    const fail = (error: unknown): void => {
      rpc.failed(error);
      message.answered();
    };
    const succeed = (bytes: Buffer): void => {
      // The reply lies in memory until its caller has read it.
      if (isRead && !message.reserve(bytes.length)) return fail(tooManyBytes());
      rpc.succeeded(bytes);
      message.answered();
    };
    const begin = (): Promise<Buffer> => reply(call.request, message, open.context);
    (open.span === undefined ? begin() : open.span.run(begin)).then(succeed, fail);
  };
}

const NO_BYTES = Buffer.alloc(0);
/** Decoding more values than this takes over 5 ms, and so do checking and rendering them. Each gets a turn of its own. */
const MANY_VALUES = 10_000;

/** Returns a method whose codecs leave the bytes as they are. The adapter decodes, because grpc-js answers INTERNAL when a codec throws. */
export function withoutCodecs(method: UnaryMethod<unknown, unknown>): object {
  return { ...method, requestDeserialize: hold, responseSerialize: pass };
}

function hold(bytes: Buffer): MessageHolder {
  return { bytes };
}

function pass(bytes: Buffer): Buffer {
  return bytes;
}

/** Finishes an RPC once: with a reply, with an error, or because its caller no longer waits. */
function createRpc(
  { context, logFields, span, abort }: OpenCall,
  respond: Respond,
  { logger, onRpcError }: Pick<UnaryDependencies, 'logger' | 'onRpcError'>,
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
    succeeded: (reply: Buffer): void => {
      if (isDone) return;
      isDone = true;
      respond(null, reply);
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
      respond({ code, details, metadata });
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
