import { setTimeout as wait } from 'node:timers/promises';
import {
  logVerbosity,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  setLogVerbosity,
  status,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { ByteBudget } from '../engine/limits/byte-budget.ts';
import type { CallGate } from '../engine/limits/call-gate.ts';
import type { Logger } from '../logger.ts';
import { createArrivals } from './limits/arrivals.ts';
import type { BoundService } from './bound-service.ts';
import { addHealth } from './health.ts';
import { MAX_STREAMS, tuneHttp2, type Http2Connections } from './http2-settings.ts';
import { readRequestShapes } from './limits/message-shape.ts';
import { MAX_ADMIN_RPCS } from './limits/method-limits.ts';
import { addReflection } from './reflection.ts';
import { createOwnTurns } from './limits/own-turns.ts';
import { createRefusals, type ArrivalLimit } from './limits/refusals.ts';
import { createRpcLimit } from './limits/rpc-limit.ts';

/** The largest request message in bytes. grpc-js refuses a larger one as RESOURCE_EXHAUSTED. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

const MINUTE_MS = 60_000;
const REFUSE_FOR_MS = 500;
const REFUSE_STEP_MS = 20;
const OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_concurrent_streams': MAX_STREAMS,
  'grpc.keepalive_time_ms': MINUTE_MS,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.max_connection_idle_ms': 15 * MINUTE_MS,
  // Connections end now and then, so that clients find new replicas. The grace is longer than the longest call.
  'grpc.max_connection_age_ms': 60 * MINUTE_MS,
  'grpc.max_connection_age_grace_ms': 75_000,
  'grpc.enable_channelz': 0,
} as const;

/** The settings and parts of a server. */
export interface GrpcServerOptions {
  /** The listen address, such as `127.0.0.1:50051`. Port 0 means a free port. */
  readonly address: string;
  readonly services: readonly BoundService[];
  readonly logger: Logger;
  readonly newRequestId: () => string;
  /** The server speaks plaintext when they are absent. */
  readonly credentials?: ServerCredentials;
  /** Reflection is on when it is absent. */
  readonly reflection?: boolean;
  /** Decides at their arrival which calls are admitted. Every call is admitted when it is absent. */
  readonly gate?: CallGate;
  /** Bounds the bytes of messages from the first one that arrives. They are not bounded when it is absent. */
  readonly budget?: ByteBudget;
  /** Called for each RPC that was refused at its arrival. */
  readonly onRefused?: (limit: ArrivalLimit) => void;
}

/** A gRPC server with its health and reflection services. */
export interface GrpcServer {
  /** Binds the address and returns the port. Health says NOT_SERVING until {@link GrpcServer.setServing}. */
  listen(): Promise<number>;
  /** Sets the answer of health, for `""` and for every service. Calls are served in both cases. */
  setServing(isServing: boolean): void;
  /**
   * Says NOT_SERVING, ends streams, and refuses new calls as `SHUTTING_DOWN` for half a second on open connections. Then
   * it closes these connections, waits up to `graceMs` in all for running calls, and cancels the calls that are left.
   * Repeated calls return the promise of the first one.
   */
  close(graceMs: number): Promise<void>;
}

/** Makes a server. It binds no port before it listens. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const { address, services, logger, newRequestId, gate, budget, onRefused } = options;
  const credentials = options.credentials ?? ServerCredentials.createInsecure();
  // The log of grpc-js goes to the console, and quotes the values of headers (tokens) that grpc-js can't read.
  setLogVerbosity(logVerbosity.NONE);
  const streams = createOpenStreams();
  const server = new Server({ ...OPTIONS, interceptors: [streams.interceptor] });
  let closing: Promise<void> | undefined;
  const isClosing = (): boolean => closing !== undefined;
  const refusals = createRefusals({ logger, ...(onRefused && { onRefused }) });
  const { admit, messageOf } = createArrivals({ gate, budget, refusals, isClosing });
  const connections = tuneHttp2(server, admit);
  const adminLimit = createRpcLimit(MAX_ADMIN_RPCS, 'list and admin RPCs');
  const requestShapes = readRequestShapes();
  const ownTurn = createOwnTurns();
  const adapter = { logger, newRequestId, isClosing, messageOf, adminLimit, requestShapes, ownTurn };
  for (const service of services) {
    const { definition, implementation } = service.bind(adapter);
    server.addService(definition, implementation);
  }
  const setHealth = addHealth(
    server,
    services.map(({ name }) => name),
  );
  if (options.reflection ?? true) addReflection(server);
  return {
    listen: () => bind(server, address, credentials),
    setServing: (isServing) => setHealth(isServing && !isClosing()),
    close: (graceMs) => {
      if (closing !== undefined) return closing;
      setHealth(false);
      streams.end();
      const endsAtMs = performance.now() + graceMs;
      closing = refuseForAWhile(connections, endsAtMs)
        .then(() => drain(server, Math.max(0, endsAtMs - performance.now())))
        .then(() => connections.destroy())
        .then(refusals.flush);
      return closing;
    },
  };
}

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

// A call on a closed connection or port fails without a reason, so clients first get answers that tell them the reason.
async function refuseForAWhile(connections: Http2Connections, endsAtMs: number): Promise<void> {
  const untilMs = Math.min(performance.now() + REFUSE_FOR_MS, endsAtMs);
  while (connections.count() > 0 && performance.now() < untilMs) await wait(REFUSE_STEP_MS);
}

/** Waits until no call is open, for at most `graceMs`. `tryShutdown` alone would wait for ever. */
async function drain(server: Server, graceMs: number): Promise<void> {
  const overtime = new AbortController();
  const drained = new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve());
  });
  await Promise.race([drained, wait(graceMs, undefined, { signal: overtime.signal })]);
  overtime.abort();
  server.forceShutdown();
}

/** Tracks the open streams (health watches, reflection), which only their client or a shutdown ends. */
interface OpenStreams {
  /** Registers each stream of the server. */
  readonly interceptor: ServerInterceptor;
  /** Ends all open streams as `UNAVAILABLE`. */
  end(): void;
}

/** Makes the register of a server's open streams. */
function createOpenStreams(): OpenStreams {
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
