import type { ServerInterceptor } from '@grpc/grpc-js';
import { ServerInterceptingCall, status } from '@grpc/grpc-js';

/** Tracks the open streams (health watches, reflection), which only their client or a shutdown ends. */
interface OpenStreams {
  /** Registers each stream of the server. */
  readonly interceptor: ServerInterceptor;
  /** Ends all open streams as `UNAVAILABLE`. */
  end(): void;
}

/** Makes the register of a server's open streams. */
export function createOpenStreams(): OpenStreams {
  const open = new Set<ServerInterceptingCall>();
  return {
    interceptor: (method, call) => {
      // Unary calls end by themselves, and a wrapper would cost each of them a little.
      if (!method.responseStream) return call as ServerInterceptingCall;
      const stream = new ServerInterceptingCall(call, {
        start: (next) => {
          open.add(stream);
          next({
            // grpc-js calls this whenever a stream ends, also after a status was sent.
            onCancel: () => void open.delete(stream),
          });
        },
      });
      return stream;
    },
    end: () => {
      for (const stream of open)
        stream.sendStatus({ code: status.UNAVAILABLE, details: 'this replica is shutting down' });
    },
  };
}
