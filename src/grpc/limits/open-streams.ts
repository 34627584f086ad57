import type { ServerInterceptor } from '@grpc/grpc-js';
import { ServerInterceptingCall, status } from '@grpc/grpc-js';

/** Knows the streams (health watches, reflection) that are open: nothing but their client or a shutdown ends them. */
export interface OpenStreams {
  readonly interceptor: ServerInterceptor;
  /** Ends all of them as `UNAVAILABLE`. */
  end(): void;
}

/** Makes the register of one server's open streams. */
export function createOpenStreams(): OpenStreams {
  const open = new Set<ServerInterceptingCall>();
  return {
    interceptor: (method, call) => {
      // Unary calls end by themselves, and wrapping them would cost each a little.
      if (!method.responseStream) return call as ServerInterceptingCall;
      const stream = new ServerInterceptingCall(call, {
        start: (next) => {
          open.add(stream);
          next({
            // Comes at every end, also after a status was sent.
            onCancel: () => void open.delete(stream),
          });
        },
      });
      return stream;
    },
    end: () => {
      for (const stream of open) stream.sendStatus({ code: status.UNAVAILABLE, details: 'shutting down' });
    },
  };
}
