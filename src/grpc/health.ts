import {
  status,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Server,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { service } from 'grpc-health-check';

/** `grpc.health.v1.Health` for `""` and for every service together. */
export interface Health {
  addTo(server: Server): void;
  /** Tells the watches too. Health says NOT_SERVING at first. */
  setServing(isServing: boolean): void;
  isServing(): boolean;
}

type Status = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
interface Request {
  readonly service: string;
}
interface Reply {
  readonly status: Status;
}
interface ListReply {
  readonly statuses: Readonly<Record<string, Reply>>;
}

/** The handlers of the service. A type and no interface, because grpc-js wants an index signature. */
type Handlers = {
  readonly check: handleUnaryCall<Request, Reply>;
  readonly list: handleUnaryCall<object, ListReply>;
  readonly watch: handleServerStreamingCall<Request, Reply>;
};

/**
 * Makes the health service. Everybody may ask it, so it keeps nothing of what is asked: the implementation of
 * grpc-health-check keeps each name that was ever watched, and repeats unknown names in its errors.
 */
export function createHealth(names: readonly string[]): Health {
  const known = new Set(['', ...names]);
  const watches = new Set<ServerWritableStream<Request, Reply>>();
  let current: Status = 'NOT_SERVING';
  const handlers: Handlers = {
    check: ({ request }, respond) => {
      if (known.has(request.service)) respond(null, { status: current });
      else respond({ code: status.NOT_FOUND, details: 'unknown service' });
    },
    list: (_, respond) => {
      const statuses = Array.from(known, (name) => [name, { status: current }] as const);
      respond(null, { statuses: Object.fromEntries(statuses) });
    },
    // The protocol keeps the watch of an unknown service open. No service is added later, so it hears nothing more.
    watch: (call) => {
      const isKnown = known.has(call.request.service);
      call.write({ status: isKnown ? current : 'SERVICE_UNKNOWN' });
      if (!isKnown) return;
      watches.add(call);
      call.on('cancelled', () => watches.delete(call));
    },
  };
  return {
    addTo: (server) => server.addService(service, handlers),
    isServing: () => current === 'SERVING',
    setServing: (isServing) => {
      const next = isServing ? 'SERVING' : 'NOT_SERVING';
      if (next === current) return;
      current = next;
      for (const call of watches) call.write({ status: current });
    },
  };
}
