import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Provider } from 'oidc-provider';

/** A client that may have access tokens. */
export interface Client {
  readonly id: string;
  readonly secret: string;
  readonly method: 'client_secret_basic' | 'client_secret_post';
}

/** A request for a token, and the status of its answer. */
export interface TokenRequest {
  readonly status: number;
  readonly form: Readonly<Record<string, string>>;
}

/** The authorization server `oidc-provider`, which is certified for OpenID Connect, on a port of 127.0.0.1. */
export interface AuthorizationServer {
  readonly tokenUrl: string;
  /** The requests that it has answered. */
  readonly requests: readonly TokenRequest[];
  /** The token requests that have come, answered or not. */
  arrived(): number;
  /** Knows these clients from now on. The tokens that it has issued stay valid. */
  replaceClients(clients: readonly Client[]): void;
  /** Returns the scope of a token, or undefined when it is not valid (any more). */
  scopeOf(token: string): Promise<string | undefined>;
  /** Makes a token invalid. */
  revoke(token: string): Promise<void>;
  /** Keeps later requests without an answer until the function is called that it returns. */
  hold(): () => void;
  close(): Promise<void>;
}

/** Starts an authorization server whose tokens live for `lifetimeSecs`. */
export async function startAuthorizationServer(
  clients: readonly Client[],
  { lifetimeSecs = 600, port = 0 }: { lifetimeSecs?: number; port?: number } = {},
): Promise<AuthorizationServer> {
  const requests: TokenRequest[] = [];
  let arrivals = 0;
  let held: Promise<void> | undefined;
  const stored = new Map<string, object>();
  let provider: Provider;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const server = createServer((request, response) => {
    arrivals += 1;
    if (held === undefined) answer(request, response);
    else void held.then(() => answer(request, response));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  const issuer = `http://127.0.0.1:${address.port}`;

  const replaceClients = (known: readonly Client[]): void => {
    provider = new Provider(issuer, configurationOf(known, stored, lifetimeSecs));
    provider.use(async (context, next) => {
      await next();
      requests.push({ status: context.status, form: { ...context.oidc?.body } });
    });
    answer = provider.callback();
  };
  replaceClients(clients);
  return {
    tokenUrl: `${issuer}/token`,
    requests,
    arrived: () => arrivals,
    replaceClients,
    scopeOf: async (token) => {
      const found = await provider.ClientCredentials.find(token);
      return found === undefined || found.isExpired ? undefined : (found.scope ?? '');
    },
    revoke: async (token) => (await provider.ClientCredentials.find(token))?.destroy(),
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return () => {
        held = undefined;
        resolve();
      };
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

// The clients may ask for the first two.
const SCOPES = ['contacts.read', 'contacts.write', 'contacts.delete'];
const SIGNING_KEY = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;

function configurationOf(
  clients: readonly Client[],
  stored: Map<string, object>,
  lifetimeSecs: number,
): object {
  return {
    clients: clients.map(({ id, secret, method }) => ({
      client_id: id,
      client_secret: secret,
      token_endpoint_auth_method: method,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope: SCOPES.slice(0, 2).join(' '),
    })),
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    scopes: SCOPES,
    ttl: { ClientCredentials: lifetimeSecs },
    jwks: { keys: [SIGNING_KEY.export({ format: 'jwk' })] },
    // The server stores and finds its tokens through this.
    adapter: () => ({
      upsert: async (id: string, payload: object) => void stored.set(id, payload),
      find: async (id: string) => stored.get(id),
      destroy: async (id: string) => void stored.delete(id),
    }),
  };
}
