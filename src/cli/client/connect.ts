import { Client, credentials, Metadata, type ChannelCredentials } from '@grpc/grpc-js';
import { UsageError } from '../frame/command.ts';
import { toApiError } from './api-error.ts';
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
  const client = new Client(settings.address, channelCredentials(settings), channelOptions(settings));
  const headers = new Metadata();
  if (settings.token !== undefined) headers.set('authorization', `Bearer ${settings.token}`);
  return {
    address: settings.address,
    close: () => client.close(),
    call: ({ path, requestSerialize, responseDeserialize }, request) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          headers,
          { deadline: Date.now() + settings.timeoutMs },
          (error, reply) => {
            if (error !== null) reject(toApiError(error, settings));
            else resolve(reply as NonNullable<typeof reply>);
          },
        );
      }),
  };
}

function channelCredentials({ tls }: ConnectionSettings): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  try {
    return credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.certificate ?? null);
  } catch (error) {
    throw new UsageError(`the TLS files can't be used: ${(error as Error).message}`, { cause: error });
  }
}

function channelOptions({ tls }: ConnectionSettings) {
  return {
    // A proxy that the environment names for other programs would see a plaintext token.
    'grpc.enable_http_proxy': 0,
    'grpc.max_receive_message_length': -1,
    ...(tls?.serverName === undefined ? {} : { 'grpc.ssl_target_name_override': tls.serverName }),
  };
}
