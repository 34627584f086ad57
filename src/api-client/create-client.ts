import { Client, type ChannelOptions, type Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  channelCredentials,
  requestHeaders,
  type ClientTls,
  type TokenSource,
} from './channel-credentials.ts';
import { CallhooksClientError } from './client-error.ts';
import { CHANNEL_CONFIG, DEADLINES } from './service-config.ts';
import { createServices, type CallhooksServices, type RpcOptions } from './service-methods.ts';

/** The settings of {@link createClient}. */
export interface CallhooksClientOptions {
  /** `host:port`, or another target that gRPC knows, such as `dns:///callhooks.internal:50051`. */
  readonly address: string;
  /** A token of `callhooks token`. A function is asked before each RPC, so that it can hand out a renewed one. */
  readonly token?: TokenSource | undefined;
  /** `true`: TLS with the authorities that Node.js trusts. An object says more. Without it the connection is plaintext. */
  readonly tls?: boolean | ClientTls | undefined;
  /** Deadlines in milliseconds by method (`onCallStart`). They replace those of deploy/service-config.json. */
  readonly timeoutsMs?: Readonly<Partial<Record<MethodName, number>>>;
  /** Settings of the gRPC channel. They replace those of this client. */
  readonly channelOptions?: ChannelOptions;
}

type MethodsOf<S> = S extends S ? keyof S : never;

/** The name of a method of any service. */
export type MethodName = MethodsOf<CallhooksServices[keyof CallhooksServices]>;

/** Calls callhooks. All RPCs share the connections of one channel. */
export interface CallhooksClient extends CallhooksServices {
  /** Closes the connections. Running RPCs are cancelled. */
  close(): void;
}

const SECOND_MS = 1_000;
const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.service_config': CHANNEL_CONFIG,
  // The config above holds, and a DNS server is not asked for another one.
  'grpc.service_config_disable_resolution': 1,
  // A connection that a firewall has dropped silently is noticed within 40 s, also between calls.
  'grpc.keepalive_time_ms': 30 * SECOND_MS,
  'grpc.keepalive_timeout_ms': 10 * SECOND_MS,
  'grpc.keepalive_permit_without_calls': 1,
  // By default a client waits up to two minutes before it connects again, and 30 s before it looks for new replicas.
  'grpc.initial_reconnect_backoff_ms': SECOND_MS / 2,
  'grpc.max_reconnect_backoff_ms': 5 * SECOND_MS,
  'grpc.dns_min_time_between_resolutions_ms': 5 * SECOND_MS,
};

/**
 * Makes a client. It connects with its first RPC, and repeats an RPC by itself where that is safe (docs/clients.md).
 * Throws when a token would go unencrypted to another machine without `tls: false`.
 */
export function createClient(options: CallhooksClientOptions): CallhooksClient {
  const { address, token, tls, timeoutsMs = {}, channelOptions = {} } = options;
  const serverName = typeof tls === 'object' ? tls.serverName : undefined;
  const client = new Client(address, channelCredentials(address, tls, token), {
    ...CHANNEL_OPTIONS,
    ...(serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName }),
    ...channelOptions,
  });
  const timeoutOf = (path: string, { timeoutMs }: RpcOptions): number | undefined =>
    timeoutMs ?? (timeoutsMs as Readonly<Record<string, number>>)[methodName(path)] ?? DEADLINES[path];
  const services = createServices(async (path, request, rpcOptions) => {
    const timeoutMs = timeoutOf(path, rpcOptions);
    const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
    rpcOptions.signal?.throwIfAborted();
    const headers = await requestHeaders(token, rpcOptions.headers ?? {});
    return sendRequest(client, { path, request, headers, deadline, signal: rpcOptions.signal });
  });
  return { ...services, close: () => client.close() };
}

/** One request on its way. */
interface Sending {
  readonly path: string;
  readonly request: Buffer;
  readonly headers: Metadata;
  /** Milliseconds since 1970. */
  readonly deadline: number | undefined;
  readonly signal: AbortSignal | undefined;
}

function sendRequest(client: Client, sending: Sending): Promise<Buffer> {
  const { path, request, headers, deadline, signal } = sending;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = (): void => call.cancel();
    const onEnd = (error: ServiceError | null, reply?: Buffer): void => {
      signal?.removeEventListener('abort', onAbort);
      if (error === null) resolve(reply as Buffer);
      else reject(signal?.aborted === true ? (signal.reason as Error) : new CallhooksClientError(error));
    };
    const call = client.makeUnaryRequest(
      path,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      request,
      headers,
      deadline === undefined ? {} : { deadline },
      onEnd,
    );
    signal?.addEventListener('abort', onAbort);
  });
}

/** `/callhooks.v1.CallLifecycle/OnCallStart` is `onCallStart`. */
function methodName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.charAt(0).toLowerCase() + name.slice(1);
}
