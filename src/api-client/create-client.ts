import {
  WatchExecutionsRequest,
  type ExecutionLogService,
  type WatchExecutionsResponse,
} from '../gen/index.callhooks.v1.ts';
import { openConnection, type ConnectionOptions } from './connection.ts';
import {
  createServices,
  type CallhooksServices,
  type MessageFields,
  type ServiceClient,
} from './service-methods.ts';
import { watchExecutions, type WatchOptions } from './watch-executions.ts';

/** The settings of {@link createClient}. */
export interface CallhooksClientOptions extends ConnectionOptions {
  /** Deadlines in milliseconds by method (`onCallStart`). They replace those of deploy/service-config.json. */
  readonly timeoutsMs?: Readonly<Partial<Record<MethodName, number>>>;
}

type MethodsOf<S> = S extends S ? keyof S : never;

/** The name of a method of any service. */
export type MethodName = MethodsOf<CallhooksServices[keyof CallhooksServices]>;

/** Reads executions, and watches them as they end. */
export interface ExecutionsClient extends ServiceClient<typeof ExecutionLogService> {
  /**
   * Returns executions as they end, each of them once. When the connection is lost it connects again, and resumes where it
   * was. It goes on until the loop over it is left, the signal is aborted, or the client is closed. It throws a
   * `CallhooksClientError` when the first stream can't be had, and later when callhooks refuses to go on.
   */
  watchExecutions(
    request: MessageFields<WatchExecutionsRequest>,
    options?: WatchOptions,
  ): AsyncGenerator<WatchExecutionsResponse, void, undefined>;
}

/** Calls callhooks. All RPCs share the connections of one channel. */
export interface CallhooksClient extends Omit<CallhooksServices, 'executions'> {
  readonly executions: ExecutionsClient;
  /** Closes the connections. Running RPCs are cancelled. */
  close(): void;
}

/**
 * Makes a client. It connects with its first RPC, and repeats an RPC by itself where that is safe (docs/clients.md).
 * Throws when a token would go unencrypted to another machine without `tls: false`.
 */
export function createClient({ timeoutsMs = {}, ...options }: CallhooksClientOptions): CallhooksClient {
  const connection = openConnection(options);
  const timeouts = timeoutsMs as Readonly<Record<string, number>>;
  const services = createServices((path, request, rpcOptions) => {
    const timeoutMs = rpcOptions.timeoutMs ?? timeouts[methodName(path)];
    return connection.send(path, request, { ...rpcOptions, timeoutMs });
  });
  const executions: ExecutionsClient = {
    ...services.executions,
    watchExecutions: (request, watchOptions) =>
      watchExecutions(
        connection,
        WatchExecutionsRequest.fromPartial(request as WatchExecutionsRequest),
        watchOptions,
      ),
  };
  return { ...services, executions, close: connection.close };
}

/** `/callhooks.v1.CallLifecycle/OnCallStart` is `onCallStart`. */
function methodName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.charAt(0).toLowerCase() + name.slice(1);
}
