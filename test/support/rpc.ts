import { Client, credentials, Metadata, status, type CallOptions, type ServiceError } from '@grpc/grpc-js';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import * as details from '../../src/gen/google/rpc/error_details.ts';
import { Status } from '../../src/gen/google/rpc/status.ts';

type Leaf = Date | Uint8Array | string | number | boolean | bigint | undefined;

/** Is a message of which any part may be left out. */
export type Partially<T> = unknown extends T
  ? T
  : T extends Leaf
    ? T
    : T extends readonly (infer U)[]
      ? readonly Partially<U>[]
      : { [K in keyof T]?: Partially<T[K]> };

/** Holds the options of one RPC. */
export interface RpcOptions {
  /** Ends the RPC so many milliseconds from now. The default is 30 s. */
  readonly deadlineMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Cancels the RPC. */
  readonly signal?: AbortSignal;
}

interface Method {
  readonly path: string;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

type RequestOf<M> = M extends { requestSerialize: (value: infer Q) => Buffer } ? Q : never;
type ReplyOf<M> = M extends { responseDeserialize: (bytes: Buffer) => infer R } ? R : never;

type RpcOf<M> = (request?: Partially<RequestOf<M>>, options?: RpcOptions) => Promise<ReplyOf<M>>;

/** Has a function for each RPC of a service, which rejects with {@link RpcError}. */
export type Rpcs<S> = {
  readonly [K in keyof S as S[K] extends { responseStream: true } ? never : K]: RpcOf<S[K]>;
};

/** Calls every service of callhooks over one connection. */
export interface Rpc {
  readonly agents: Rpcs<typeof pb.AgentAdminService>;
  readonly webhooks: Rpcs<typeof pb.WebhookAdminService>;
  readonly calls: Rpcs<typeof pb.CallLifecycleService>;
  readonly executions: Rpcs<typeof pb.ExecutionLogService>;
  /** Sends bytes as they are to a path such as `/callhooks.v1.AgentAdmin/GetAgent`. Returns the reply's bytes. */
  raw(path: string, bytes: Uint8Array, options?: RpcOptions): Promise<Buffer>;
  close(): void;
}

/** Is the error of an RPC with its details decoded. A detail that was not sent is empty or undefined. */
export class RpcError extends Error {
  readonly code: keyof typeof status;
  readonly reason: string;
  readonly domain: string;
  readonly info: Readonly<Record<string, string>>;
  readonly violations: readonly { readonly field: string; readonly description: string }[];
  readonly resource: { readonly type: string; readonly name: string } | undefined;
  readonly preconditions: readonly { readonly subject: string; readonly description: string }[];
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;

  constructor(error: ServiceError) {
    super(error.details, { cause: error });
    this.code = status[error.code] as keyof typeof status;
    const parts = readDetails(error.metadata);
    const info = parts.find('ErrorInfo', details.ErrorInfo);
    this.reason = info?.reason ?? '';
    this.domain = info?.domain ?? '';
    this.info = info?.metadata ?? {};
    this.violations = (parts.find('BadRequest', details.BadRequest)?.fieldViolations ?? []).map(
      ({ field, description }) => ({
        field,
        description,
      }),
    );
    const resource = parts.find('ResourceInfo', details.ResourceInfo);
    this.resource = resource && { type: resource.resourceType, name: resource.resourceName };
    this.preconditions = (
      parts.find('PreconditionFailure', details.PreconditionFailure)?.violations ?? []
    ).map(({ subject, description }) => ({ subject, description }));
    const delay = parts.find('RetryInfo', details.RetryInfo)?.retryDelay;
    this.retryAfterMs = delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6;
    this.requestId = parts.find('RequestInfo', details.RequestInfo)?.requestId;
  }

  /** Lists the paths of the violations in the order in which they were sent. */
  get fields(): readonly string[] {
    return this.violations.map((violation) => violation.field);
  }
}

function readDetails(trailers: Metadata) {
  const [bytes] = trailers.get('grpc-status-details-bin');
  const parts = bytes === undefined ? [] : Status.decode(bytes as Buffer).details;
  return {
    find<T>(name: string, type: { decode(bytes: Uint8Array): T }): T | undefined {
      const part = parts.find((any) => any.typeUrl === `type.googleapis.com/google.rpc.${name}`);
      return part && type.decode(part.value);
    },
  };
}

/** Connects to a callhooks on this port of 127.0.0.1, in plaintext unless credentials say otherwise. */
export function connect(port: number, channel = credentials.createInsecure()): Rpc {
  // The name is looked up in the certificate of the server, where there is one.
  const options = channel._isSecure() ? { 'grpc.ssl_target_name_override': 'endpoint.example' } : {};
  const client = new Client(`127.0.0.1:${port}`, channel, options);
  const raw: Rpc['raw'] = (path, bytes, options = {}) =>
    new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest<Uint8Array, Buffer>(
        path,
        (message) => Buffer.from(message),
        (reply) => reply,
        bytes,
        headersOf(options),
        callOptionsOf(options),
        (error, reply) => (error ? reject(new RpcError(error)) : resolve(reply as Buffer)),
      );
      options.signal?.addEventListener('abort', () => call.cancel());
    });
  return {
    agents: rpcsOf(pb.AgentAdminService, raw),
    webhooks: rpcsOf(pb.WebhookAdminService, raw),
    calls: rpcsOf(pb.CallLifecycleService, raw),
    executions: rpcsOf(pb.ExecutionLogService, raw),
    raw,
    close: () => client.close(),
  };
}

function rpcsOf<S extends Readonly<Record<keyof S, Method>>>(service: S, raw: Rpc['raw']): Rpcs<S> {
  const methods = Object.values<Method>(service).filter(({ responseStream }) => !responseStream);
  const rpcs = methods.map((method) => {
    const name = method.path.slice(method.path.lastIndexOf('/') + 1);
    const type = (pb as Record<string, unknown>)[`${name}Request`] as {
      fromPartial(message: unknown): never;
    };
    const rpc = async (request: unknown = {}, options: RpcOptions = {}) =>
      method.responseDeserialize(
        await raw(method.path, method.requestSerialize(type.fromPartial(request)), options),
      );
    return [name.charAt(0).toLowerCase() + name.slice(1), rpc];
  });
  return Object.fromEntries(rpcs) as Rpcs<S>;
}

function headersOf(options: RpcOptions): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(options.headers ?? {})) metadata.set(name, value);
  return metadata;
}

function callOptionsOf(options: RpcOptions): Partial<CallOptions> {
  return {
    deadline: Date.now() + (options.deadlineMs ?? 30_000),
  };
}

/** Returns the error with which an RPC ends. Throws when the RPC succeeds. */
export async function errorOf(rpc: Promise<unknown>): Promise<RpcError> {
  try {
    await rpc;
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error('the RPC succeeded');
}
