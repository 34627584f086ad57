import { openConnection, type ConnectionOptions } from './connection.ts';
import { createServices, type CallhooksServices } from './service-methods.ts';

/** The settings of {@link createClient}. */
export interface CallhooksClientOptions extends ConnectionOptions {
  /** Deadlines in milliseconds by method (`onCallStart`). They replace those of deploy/service-config.json. */
  readonly timeoutsMs?: Readonly<Partial<Record<MethodName, number>>>;
}

type MethodsOf<S> = S extends S ? keyof S : never;

/** The name of a method of any service. */
export type MethodName = MethodsOf<CallhooksServices[keyof CallhooksServices]>;

/** Calls callhooks. All RPCs share the connections of one channel. */
export interface CallhooksClient extends CallhooksServices {
  /** Closes the connections. Running RPCs are cancelled. */
  close(): void;
}

/**
 * Makes a client. It connects with its first RPC, and repeats an RPC by itself where that is safe (docs/clients.md).
 * Throws when a token would go unencrypted to another machine without `tls: false`.
 */
export function createClient({ timeoutsMs = {}, ...options }: CallhooksClientOptions): CallhooksClient {
  const { send, close } = openConnection(options);
  const timeouts = timeoutsMs as Readonly<Record<string, number>>;
  const services = createServices((path, request, rpcOptions) => {
    const timeoutMs = rpcOptions.timeoutMs ?? timeouts[methodName(path)];
    return send(path, request, { ...rpcOptions, timeoutMs });
  });
  return { ...services, close };
}

/** `/callhooks.v1.CallLifecycle/OnCallStart` is `onCallStart`. */
function methodName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.charAt(0).toLowerCase() + name.slice(1);
}
