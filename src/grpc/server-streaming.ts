import { setTimeout as wait } from 'node:timers/promises';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { shuttingDown } from '../errors.ts';
import { createAdmitRequest, createRpcEnd, type AdapterDependencies, type RpcMethod } from './adapter.ts';
import { openCall, type CallContext, type MessageHolder } from './call-context.ts';
import type { ArrivingMessage } from './limits/arriving-messages.ts';

/**
 * Serves one RPC with a stream of replies. The stream ends when the replies do; an error that they throw becomes the
 * status. They have to end when `context.signal` is aborted. The next one is asked for when the client has read enough to
 * make room for it, so that a client that does not read has one reply in memory.
 */
export type StreamHandler<Request, Reply> = (request: Request, context: CallContext) => AsyncIterable<Reply>;

type Call = ServerWritableStream<MessageHolder, Buffer>;

/** How long a reply waits before it is looked again whether there is memory for it. */
const MEMORY_WAIT_MS = 250;

/** Adapts a handler with a stream of replies to grpc-js, as `createUnary` does it for one reply. */
export function createServerStreaming<Request, Reply>(
  method: RpcMethod<Request, Reply>,
  handler: StreamHandler<Request, Reply>,
  dependencies: AdapterDependencies,
): (call: Call) => void {
  const { closing, isClosing, messageOf, newRequestId, requestShapes } = dependencies;
  const admit = createAdmitRequest(method, requestShapes);

  const send = async (call: Call, message: ArrivingMessage, context: CallContext): Promise<void> => {
    if (isClosing()) throw shuttingDown();
    const request = admit(call.request, message, context).decode();
    message.reserveForStream(0);
    for await (const reply of handler(request, context)) {
      const bytes = method.responseSerialize(reply);
      while (!message.reserveForStream(bytes.length) && !context.signal.aborted && !isClosing())
        await wait(MEMORY_WAIT_MS);
      if (context.signal.aborted) return;
      await written(call, bytes, [context.signal, closing]);
      // A client that does not read would hold up the shutdown.
      if (isClosing()) throw shuttingDown();
      message.reserveForStream(0);
    }
  };
  return (call) => {
    const message = messageOf(call.metadata);
    message.received();
    const open = openCall(call, newRequestId(), message.call, dependencies.startSpan);
    const rpc = createRpcEnd<undefined>(
      open,
      // grpc-js takes the status of a stream from this event.
      { succeed: () => call.end(), fail: (error) => call.emit('error', error) },
      dependencies,
    );
    call.on('cancelled', rpc.cancelled);
    const begin = (): Promise<void> => send(call, message, open.context);
    (open.span === undefined ? begin() : open.span.run(begin))
      .then(() => rpc.succeeded(undefined), rpc.failed)
      .finally(() => {
        message.reserveForStream(0);
        message.answered();
      });
  };
}

/** Resolves when the client has room for more, or when one of the signals is aborted. */
function written(call: Call, bytes: Buffer, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const signal of signals) signal.removeEventListener('abort', done);
      resolve();
    };
    for (const signal of signals) signal.addEventListener('abort', done, { once: true });
    call.write(bytes, done);
  });
}
