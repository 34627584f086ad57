import { CallhooksClientError } from '../../api-client/client-error.ts';
import { openConnection, type Connection } from '../../api-client/connection.ts';
import { watchExecutions } from '../../api-client/watch-executions.ts';
import type { WatchExecutionsRequest, WatchExecutionsResponse } from '../../gen/index.callhooks.v1.ts';
import { UsageError } from '../frame/command.ts';
import { ApiError, toApiError } from './api-error.ts';
import type { ClientOptionValues } from './client-options.ts';
import { connectionSettings, type ConnectionSettings } from './connection-settings.ts';

const DEFAULT_TIMEOUT_S = 30;

/** Describes an RPC: an entry of a generated service definition, such as `AgentAdminService.getAgent`. */
interface Method<Request, Reply> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Reply;
}

/** Is a connection to a server. */
export interface Api {
  readonly address: string;
  /**
   * Calls an RPC, for example `api.call(AgentAdminService.getAgent, { agentUuid })`.
   * @throws ApiError with the status, the reason, and each violation
   */
  call<Request, Reply>(method: Method<Request, Reply>, request: Request): Promise<Reply>;
  /**
   * Watches executions, each of them once. It waits while the server is away, and then resumes; it tells `onLost` first.
   * @throws ApiError when the server refuses
   */
  watch(
    request: WatchExecutionsRequest,
    onLost: (error: ApiError) => void,
  ): AsyncIterable<WatchExecutionsResponse>;
  /** Returns the name of the gRPC status of an error that `call` threw, or undefined for another error. */
  statusOf(error: unknown): string | undefined;
  close(): void;
}

/** What connects to a server. */
interface ConnectOptions {
  readonly options: ClientOptionValues;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long an RPC may take when `--timeout` does not say it. The default is 30 s. */
  readonly defaultTimeoutS?: number;
}

/**
 * Connects to the server that options and environment name. The first RPC opens the connection.
 * @throws UsageError when they make no sense
 */
export function connect({ options, env, defaultTimeoutS = DEFAULT_TIMEOUT_S }: ConnectOptions): Api {
  const settings = connectionSettings(options, env, defaultTimeoutS);
  const connection = openChannel(settings);
  const { timeoutMs } = settings;
  const toOurs = (error: unknown): unknown =>
    error instanceof CallhooksClientError ? toApiError(error, settings) : error;
  return {
    address: settings.address,
    close: () => connection.close(),
    watch: async function* watch(request, onLost) {
      try {
        yield* watchExecutions(connection, request, {
          waitsForServer: true,
          firstWithinMs: timeoutMs,
          onLost: (error) => onLost(toApiError(error, settings)),
        });
      } catch (error) {
        throw toOurs(error);
      }
    },
    statusOf: (error) => (error instanceof ApiError ? error.refusal.status : undefined),
    call: async ({ path, requestSerialize, responseDeserialize }, request) => {
      try {
        return responseDeserialize(await connection.send(path, requestSerialize(request), { timeoutMs }));
      } catch (error) {
        throw toOurs(error);
      }
    },
  };
}

const CHANNEL_OPTIONS = {
  // Somebody waits at the terminal, and repeats a command when that helps.
  'grpc.enable_retries': 0,
  // A proxy that the environment names for other programs would see a plaintext token.
  'grpc.enable_http_proxy': 0,
  'grpc.max_receive_message_length': -1,
} as const;

function openChannel({ address, token, tls }: ConnectionSettings): Connection {
  const files = tls && { ...tls, privateKey: tls.key };
  try {
    return openConnection({ address, token, tls: files ?? false, channelOptions: CHANNEL_OPTIONS });
  } catch (error) {
    throw new UsageError(`the TLS files can't be used: ${(error as Error).message}`, { cause: error });
  }
}
