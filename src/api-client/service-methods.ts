import * as api from '../gen/index.callhooks.v1.ts';
import type { RpcOptions, SendRequest } from './connection.ts';

type Leaf = Date | Uint8Array | string | number | boolean | bigint | undefined;

/** A message of which every field may be left out, at any depth. */
export type MessageFields<T> = unknown extends T
  ? T
  : T extends Leaf
    ? T
    : T extends readonly (infer Item)[]
      ? readonly MessageFields<Item>[]
      : T extends { readonly $case: string; readonly value: unknown }
        ? { readonly $case: T['$case']; readonly value: MessageFields<T['value']> }
        : { readonly [Field in keyof T]?: MessageFields<T[Field]> | undefined };

/** A method of a service, as generated code describes it. */
interface MethodDefinition {
  readonly path: string;
  readonly responseStream: boolean;
  readonly requestSerialize: (request: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

type RequestOf<M extends MethodDefinition> = Parameters<M['requestSerialize']>[0];

/** Calls one method. It rejects with a `CallhooksClientError`. */
export type RpcFunction<Request, Reply> = (
  request: MessageFields<Request>,
  options?: RpcOptions,
) => Promise<Reply>;

/** Has a function for each method of a service with one response. */
export type ServiceClient<S> = {
  readonly [
    Name in keyof S as S[Name] extends { responseStream: false } ? Name : never
  ]: S[Name] extends MethodDefinition
    ? RpcFunction<RequestOf<S[Name]>, ReturnType<S[Name]['responseDeserialize']>>
    : never;
};

/** The services of callhooks by the names that a client has for them. */
export interface CallhooksServices {
  /** Starts and ends of calls. */
  readonly calls: ServiceClient<typeof api.CallLifecycleService>;
  readonly agents: ServiceClient<typeof api.AgentAdminService>;
  readonly webhooks: ServiceClient<typeof api.WebhookAdminService>;
  readonly executions: ServiceClient<typeof api.ExecutionLogService>;
}

/** Makes the functions for all methods of all services. */
export function createServices(send: SendRequest): CallhooksServices {
  return {
    calls: serviceClient(api.CallLifecycleService, send),
    agents: serviceClient(api.AgentAdminService, send),
    webhooks: serviceClient(api.WebhookAdminService, send),
    executions: serviceClient(api.ExecutionLogService, send),
  };
}

function serviceClient<S extends object>(service: S, send: SendRequest): ServiceClient<S> {
  const methods = Object.entries<MethodDefinition>(service as Readonly<Record<string, MethodDefinition>>);
  return Object.fromEntries(
    methods
      .filter(([, { responseStream }]) => !responseStream)
      .map(([name, method]) => [name, rpcFunction(method, send)]),
  ) as ServiceClient<S>;
}

function rpcFunction(method: MethodDefinition, send: SendRequest): RpcFunction<unknown, unknown> {
  const name = method.path.slice(method.path.lastIndexOf('/') + 1);
  const requestType = (api as unknown as Readonly<Record<string, RequestType>>)[`${name}Request`];
  if (requestType === undefined) throw new Error(`There is no message ${name}Request.`);
  return async (request, options = {}) => {
    const bytes = method.requestSerialize(requestType.fromPartial(request ?? {}));
    return method.responseDeserialize(await send(method.path, bytes, options));
  };
}

interface RequestType {
  fromPartial(fields: unknown): never;
}
