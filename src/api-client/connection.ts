import { Client, status, type ChannelOptions, type Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  channelCredentials,
  requestHeaders,
  type ClientTls,
  type TokenSource,
} from './channel-credentials.ts';
import { CallhooksClientError, localError } from './client-error.ts';
import { receiveMessages } from './receive-messages.ts';
import { CHANNEL_CONFIG, DEADLINES } from './service-config.ts';

/** Where a server is, and how to reach it. */
export interface ConnectionOptions {
  /** `host:port`, or another target that gRPC knows, such as `dns:///callhooks.internal:50051`. */
  readonly address: string;
  /** A token of `callhooks token`. A function is asked before each RPC, so that it can hand out a renewed one. */
  readonly token?: TokenSource | undefined;
  /** `true`: TLS with the authorities that Node.js trusts. An object says more. Without it the connection is plaintext. */
  readonly tls?: boolean | ClientTls | undefined;
  /** Settings of the gRPC channel. They replace those of this client. */
  readonly channelOptions?: ChannelOptions;
}

/** What a caller may set for one RPC. */
export interface RpcOptions {
  /** How long to wait for the reply, repeats included. The deadline of the method is used when it is left out. */
  readonly timeoutMs?: number | undefined;
  /** Ends the RPC when it is aborted. The promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** gRPC headers to send with it, such as `traceparent`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends the bytes of a request to a path such as `/callhooks.v1.AgentAdmin/GetAgent`, and returns those of the reply. */
export type SendRequest = (path: string, request: Buffer, options: RpcOptions) => Promise<Buffer>;

/** What a stream is given. */
interface StreamOptions extends Omit<RpcOptions, 'timeoutMs'> {
  /** How long to wait for its first message. */
  readonly firstWithinMs?: number | undefined;
}

/** Is the way to a server, over one channel. */
export interface Connection {
  /** Rejects with a {@link CallhooksClientError} when the RPC fails. */
  readonly send: SendRequest;
  /** Sends a request, and returns the bytes of each message that answers it. Throws a {@link CallhooksClientError}. */
  receive(path: string, request: Buffer, options: StreamOptions): AsyncIterable<Buffer>;
  /** Is aborted with a {@link CallhooksClientError} when the connection is closed. */
  readonly closed: AbortSignal;
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
  // By default a client waits up to two minutes before it connects again, and 30 s before it looks for new replicas. With a
  // fifth more by chance it waits 1.8 s here, and four attempts of an RPC take 2.1 s at least: one of them finds the server
  // that is back.
  'grpc.initial_reconnect_backoff_ms': SECOND_MS / 2,
  'grpc.max_reconnect_backoff_ms': 1.5 * SECOND_MS,
  'grpc.dns_min_time_between_resolutions_ms': 5 * SECOND_MS,
};

/**
 * Makes a connection, which is opened by its first RPC. Throws when a token would go unencrypted to another machine without
 * `tls: false`, and when a certificate can't be used.
 */
export function openConnection({ address, token, tls, channelOptions }: ConnectionOptions): Connection {
  const serverName = typeof tls === 'object' ? tls.serverName : undefined;
  const client = new Client(address, channelCredentials(address, tls, token), {
    ...CHANNEL_OPTIONS,
    ...(serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName }),
    ...channelOptions,
  });
  const send: SendRequest = async (path, request, options) => {
    const { signal, timeoutMs = DEADLINES[path] } = options;
    const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
    signal?.throwIfAborted();
    const headers = await requestHeaders(token, options.headers ?? {});
    return sendRequest(client, { path, request, headers, deadline, signal });
  };
  const closing = new AbortController();
  return {
    send,
    receive: async function* receive(path, request, { firstWithinMs, headers: given = {}, signal }) {
      const headers = await requestHeaders(token, given);
      yield* receiveMessages(client, { path, request, headers, signal }, firstWithinMs);
    },
    closed: closing.signal,
    close: () => {
      closing.abort(localError(status.CANCELLED, 'the client was closed'));
      client.close();
    },
  };
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
