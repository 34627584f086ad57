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
import { allowEverybody, type AccessControl, type AccessRefusal } from '../access/access-control.ts';
import type { ByteBudget } from '../engine/limits/byte-budget.ts';
import type { CallGate } from '../engine/limits/call-gate.ts';
import type { Reason } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { createArrivals } from './limits/arrivals.ts';
import type { BoundService } from './bound-service.ts';
import type { StartRpcSpan } from './call-context.ts';
import { bindServer } from './bind-server.ts';
import { createHealth } from './health.ts';
import { createHealthServer, type HealthServer } from './health-server.ts';
import { createHandshakeLog } from './handshake-log.ts';
import { MAX_STREAMS, tuneHttp2, type Http2Connections } from './http2-settings.ts';
import { readRequestShapes } from './limits/message-shape.ts';
import { addReflection } from './reflection.ts';
import { createOwnTurns } from './limits/own-turns.ts';
import { MAX_REQUEST_BYTES } from './decode-request.ts';
import { createRefusals, type ArrivalLimit } from './limits/refusals.ts';
import { createRpcLimit } from './limits/rpc-limit.ts';
import { createLocalApi, type LocalApi } from './local-api.ts';
import type { OnRpc } from './rpc-watch.ts';

/**
 * The most list and admin RPCs that are open, and that run. One list can read and encode 1 MiB. While 64 of them ran at once,
 * the claim of a start waited 0.7 s behind them for the thread of SQLite.
 */
const ADMIN_RPCS = { maxOpen: 64, maxRunning: 4, what: 'list and admin RPCs' } as const;
const MINUTE_MS = 60_000;
const REFUSE_FOR_MS = 500;
const REFUSE_STEP_MS = 20;
const OPTIONS = {
  // grpc-js refuses a larger message as RESOURCE_EXHAUSTED.
  'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
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
  readonly credentials?: ServerCredentials | undefined;
  /** The address of a second port, which answers health alone. There is none when it is absent. */
  readonly healthAddress?: string | undefined;
  /** Decides who may call what. Everybody may call everything when it is absent. */
  readonly accessControl?: AccessControl;
  /** Reflection is on when it is absent. */
  readonly reflection?: boolean;
  /** Decides at their arrival which calls are admitted. Every call is admitted when it is absent. */
  readonly gate?: CallGate;
  /** Bounds the bytes of messages from the first one that arrives. They are not bounded when it is absent. */
  readonly budget?: ByteBudget;
  /** Called for each RPC that has ended, also those of health and reflection. */
  readonly onRpc?: OnRpc;
  /** Called for each RPC that was refused, with the reason in its answer. */
  readonly onRpcError?: (reason: Reason) => void;
  /** Begins the span of each admitted RPC. There are no spans when it is absent. */
  readonly startSpan?: StartRpcSpan | undefined;
  /** Called for each RPC that a limit refused at its arrival. */
  readonly onRefused?: (limit: ArrivalLimit) => void;
  /** Called for each RPC that was refused because of who calls. */
  readonly onAccessRefused?: (refusal: AccessRefusal) => void;
  /** Called for each client that did not come through the TLS handshake. */
  readonly onHandshakeFailure?: () => void;
}

/** The addresses that a server listens on, each `host:port`. */
export interface GrpcAddresses {
  readonly grpcAddress: string;
  readonly healthAddress?: string;
}

/** A gRPC server with its health and reflection services. */
export interface GrpcServer {
  /** Binds the addresses and returns those that are bound. Health says NOT_SERVING until {@link GrpcServer.setServing}. */
  listen(): Promise<GrpcAddresses>;
  /** Sets the answer of health, for `""` and for every service. Calls are served in both cases. */
  setServing(isServing: boolean): void;
  /** Returns the answer of health. */
  isServing(): boolean;
  /** Serves the RPCs of the server to other parts of the process. */
  readonly localApi: LocalApi;
  /**
   * Says NOT_SERVING, ends streams, and refuses new calls as `SHUTTING_DOWN` for half a second on open connections. Then
   * it closes these connections, waits up to `graceMs` in all for running calls, and cancels the calls that are left.
   * Repeated calls return the promise of the first one.
   */
  close(graceMs: number): Promise<void>;
}

/** Makes a server. It binds no port before it listens. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const { services, logger, newRequestId, gate, budget, accessControl = allowEverybody } = options;
  // The log of grpc-js goes to the console, and quotes the values of headers (tokens) that grpc-js can't read.
  setLogVerbosity(logVerbosity.NONE);
  const streams = createOpenStreams();
  const server = new Server({ ...OPTIONS, interceptors: [streams.interceptor] });
  const closing = new AbortController();
  let closed: Promise<void> | undefined;
  const isClosing = (): boolean => closing.signal.aborted;
  const { onRpc, onRpcError, onRefused, onAccessRefused, onHandshakeFailure } = options;
  const refusals = createRefusals({ logger, onRpcError, onRefused, onAccessRefused });
  const { admit, messageOf } = createArrivals({ gate, budget, accessControl, refusals, isClosing });
  const handshakes = createHandshakeLog(logger, onHandshakeFailure);
  const connections = tuneHttp2(server, { admit, onRpc, onHandshakeFailure: handshakes.failed });
  const adminLimit = createRpcLimit(ADMIN_RPCS);
  const requestShapes = readRequestShapes();
  const ownTurn = createOwnTurns();
  const { startSpan } = options;
  const adapter = {
    logger,
    newRequestId,
    isClosing,
    closing: closing.signal,
    messageOf,
    adminLimit,
    requestShapes,
    ownTurn,
    onRpcError,
    startSpan,
  };
  for (const service of services) {
    const { definition, implementation } = service.bind(adapter);
    server.addService(definition, implementation);
  }
  const health = createHealth(services.map(({ name }) => name));
  health.addTo(server);
  const healthServer = createHealthServer(health, onRpc);
  if (options.reflection ?? true) addReflection(server);
  return {
    listen: () => listen(server, healthServer, options),
    setServing: (isServing) => health.setServing(isServing && !isClosing()),
    isServing: health.isServing,
    localApi: createLocalApi(services, adapter),
    close: (graceMs) => {
      if (closed !== undefined) return closed;
      health.setServing(false);
      closing.abort();
      streams.end();
      const endsAtMs = performance.now() + graceMs;
      closed = refuseForAWhile(connections, endsAtMs)
        .then(() => drain(server, Math.max(0, endsAtMs - performance.now())))
        .then(() => {
          connections.destroy();
          healthServer.close();
          refusals.flush();
          handshakes.flush();
        });
      return closed;
    },
  };
}

async function listen(
  server: Server,
  healthServer: HealthServer,
  { address, credentials = ServerCredentials.createInsecure(), healthAddress }: GrpcServerOptions,
): Promise<GrpcAddresses> {
  const grpcAddress = await bindServer(server, address, credentials);
  if (healthAddress === undefined) return { grpcAddress };
  return { grpcAddress, healthAddress: await healthServer.listen(healthAddress) };
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

const OWN_PATHS = '/callhooks.';

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
      // Streams of our own methods end with a reason, when the engine stops.
      if (!method.responseStream || method.path.startsWith(OWN_PATHS)) return call as ServerInterceptingCall;
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
