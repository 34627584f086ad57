import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { shuttingDown, tooManyBytes } from '../errors.ts';
import { createAdmitRequest, createRpcEnd, type AdapterDependencies, type RpcMethod } from './adapter.ts';
import { openCall, type CallContext, type MessageHolder } from './call-context.ts';
import { limitsOf } from './decode-request.ts';
import type { ArrivingMessage } from './limits/arriving-messages.ts';

/** Serves one RPC. An error that it throws becomes the status; an error that is not ours becomes `INTERNAL`. */
export type Handler<Request, Reply> = (request: Request, context: CallContext) => Promise<Reply>;

type Call = ServerUnaryCall<MessageHolder, Buffer>;
type Respond = sendUnaryData<Buffer>;

/**
 * Adapts a handler to grpc-js, which ignores rejections, sends the `message` of any error to the client, and answers
 * `INTERNAL` when a deserializer throws. The adapter decodes and encodes the messages, answers exactly once, and logs one
 * line for each RPC.
 */
export function createUnary<Request, Reply>(
  method: RpcMethod<Request, Reply>,
  handler: Handler<Request, Reply>,
  dependencies: AdapterDependencies,
): (call: Call, respond: Respond) => void {
  const { isLimited, reservesItself, isRead } = limitsOf(method.path);
  const { adminLimit, isClosing, messageOf, ownTurn, newRequestId, requestShapes } = dependencies;
  const admit = createAdmitRequest(method, requestShapes);

  // No function that waits holds the request: a handler may let go of parts of it while its RPC still runs.
  const serve = (holder: MessageHolder, message: ArrivingMessage, context: CallContext): Promise<Buffer> => {
    const { values, decode } = admit(holder, message, context);
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
    const rpc = createRpcEnd<Buffer>(
      open,
      { succeed: (reply) => respond(null, reply), fail: (error) => respond(error) },
      dependencies,
    );
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

/** Decoding more values than this takes over 5 ms, and so do checking and rendering them. Each gets a turn of its own. */
const MANY_VALUES = 10_000;
