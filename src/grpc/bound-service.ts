import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Handler, UnaryDependencies, UnaryMethod } from './unary.ts';
import { createUnary } from './unary.ts';

/** A handler for each method of a generated service definition. */
export type HandlersOf<Service> = {
  readonly [Name in keyof Service]: Service[Name] extends {
    requestDeserialize: (bytes: Buffer) => infer Request;
    responseSerialize: (reply: infer Reply) => Buffer;
  }
    ? Handler<Request, Reply>
    : never;
};

/** A service with its handlers, ready to be added to a server. */
export interface BoundService {
  /** `callhooks.v1.CallLifecycle`. */
  readonly name: string;
  /** What grpc-js takes. */
  bind(dependencies: UnaryDependencies): {
    readonly definition: ServiceDefinition;
    readonly implementation: UntypedServiceImplementation;
  };
}

/** A generated method, its messages forgotten: {@link HandlersOf} has checked that the handler fits. */
type AnyMethod = UnaryMethod<unknown, unknown>;

/** Joins a generated service definition (`CallLifecycleService`) and its handlers, one for each method. */
export function bindService<Service extends object>(
  service: Service,
  handlers: HandlersOf<Service>,
): BoundService {
  const methods = Object.entries(service) as [keyof Service & string, AnyMethod][];
  const handlerOf = (name: keyof Service): Handler<unknown, unknown> => handlers[name];
  return {
    name: methods[0]?.[1].path.split('/')[1] ?? '',
    bind: (dependencies) => ({
      definition: mapMethods(methods, (_, method) => withoutCodecs(method)) as unknown as ServiceDefinition,
      implementation: mapMethods(methods, (name, method) =>
        createUnary(method, handlerOf(name), dependencies),
      ),
    }),
  };
}

function mapMethods<Name extends string, To>(
  methods: readonly [Name, AnyMethod][],
  change: (name: Name, method: AnyMethod) => To,
): Record<string, To> {
  return Object.fromEntries(methods.map(([name, method]) => [name, change(name, method)]));
}

function pass(bytes: Buffer): Buffer {
  return bytes;
}

/** grpc-js answers INTERNAL to whatever a codec throws, so it is given none: the adapter decodes. */
function withoutCodecs(method: AnyMethod): object {
  return {
    ...method,
    requestDeserialize: pass,
    responseSerialize: pass,
  };
}
