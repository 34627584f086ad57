import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { withoutCodecs, type AdapterDependencies, type RpcMethod } from './adapter.ts';
import { createServerStreaming, type StreamHandler } from './server-streaming.ts';
import { createUnary, type Handler } from './unary.ts';

/** Holds a handler for each method of a generated service definition. */
export type HandlersOf<Service> = {
  readonly [Name in keyof Service]: Service[Name] extends {
    requestDeserialize: (bytes: Buffer) => infer Request;
    responseSerialize: (reply: infer Reply) => Buffer;
    responseStream: infer IsStream;
  }
    ? IsStream extends true
      ? StreamHandler<Request, Reply>
      : Handler<Request, Reply>
    : never;
};

/** A service with its handlers, which a server can add. */
export interface BoundService {
  /** The full name, such as `callhooks.v1.CallLifecycle`. */
  readonly name: string;
  /** The methods with their handlers, by the path of the method's requests. */
  readonly methods: ReadonlyMap<string, BoundMethod>;
  /** Returns the service in the form that grpc-js takes. */
  bind(dependencies: AdapterDependencies): {
    readonly definition: ServiceDefinition;
    readonly implementation: UntypedServiceImplementation;
  };
}

/** A method with its handler. */
export interface BoundMethod {
  readonly method: AnyMethod;
  readonly handler: AnyHandler;
}

/** A generated method without the types of its messages. {@link HandlersOf} has checked that its handler fits. */
type AnyMethod = RpcMethod<unknown, unknown>;
type AnyHandler = Handler<unknown, unknown> | StreamHandler<unknown, unknown>;

/** Joins a generated service definition (`CallLifecycleService`) with its handlers. */
export function bindService<Service extends object>(
  service: Service,
  handlers: HandlersOf<Service>,
): BoundService {
  const methods = Object.entries(service) as [keyof Service & string, AnyMethod][];
  const handlerOf = (name: keyof Service): AnyHandler => handlers[name] as AnyHandler;
  return {
    name: methods[0]?.[1].path.split('/')[1] ?? '',
    methods: new Map(
      methods.map(([name, method]) => [method.path, { method, handler: handlerOf(name) }] as const),
    ),
    bind: (dependencies) => ({
      definition: mapMethods(methods, (_, method) => withoutCodecs(method)) as unknown as ServiceDefinition,
      implementation: mapMethods(methods, (name, method) => adapt(method, handlerOf(name), dependencies)),
    }),
  };
}

function adapt(method: AnyMethod, handler: AnyHandler, dependencies: AdapterDependencies) {
  return method.responseStream
    ? createServerStreaming(method, handler as StreamHandler<unknown, unknown>, dependencies)
    : createUnary(method, handler as Handler<unknown, unknown>, dependencies);
}

function mapMethods<Name extends string, To>(
  methods: readonly [Name, AnyMethod][],
  change: (name: Name, method: AnyMethod) => To,
): Record<string, To> {
  return Object.fromEntries(methods.map(([name, method]) => [name, change(name, method)]));
}
