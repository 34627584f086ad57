import { startDnsServer } from '../../support/dns-server.ts';
import { startReceiver, type Receiver } from '../../support/receiver.ts';
import { holdReports, playEveryKind, SETTINGS, type SceneCall } from './calls-of-every-kind.ts';
import { CUSTOMER } from './call-rows.ts';
import { playPlanted } from './planted.ts';
import { CA_FILE, startSecureEndpoint } from './secure-endpoint.ts';
import { startConsoleServer, type ConsoleServer } from './console-server.ts';

/** Is a server with executions of every kind in its database. */
export interface Scene {
  readonly server: ConsoleServer;
  /** Holds the calls by name. */
  readonly calls: ReadonlyMap<string, SceneCall>;
  /** Reports two calls that stay as they are for a minute. */
  holdReports(): Promise<readonly [sending: SceneCall, accepted: SceneCall]>;
  close(): Promise<void>;
}

const ADDRESSES = new Map([
  ['endpoint.example', ['127.0.0.1']],
  ['inside.example', ['10.0.0.1']],
]);

/** Starts a server, and makes one call of each kind. */
export async function startScene(env: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const dns = await startDnsServer((name, family) =>
    ADDRESSES.has(name) ? (family === 'A' && ADDRESSES.get(name)) || [] : 'NXDOMAIN',
  );
  const endpoint = await startReceiver();
  const stalled = await startReceiver(() => new Promise(() => {}));
  const secure = await startSecureEndpoint(() => ({ body: { customer: CUSTOMER } }));
  const server = await startConsoleServer({
    ...SETTINGS,
    CALLHOOKS_CA_FILE: CA_FILE,
    CALLHOOKS_DNS_SERVERS: dns.address,
    ...env,
  });
  const stage = { server, endpoint, stalled, secureUrl: secure.url };
  const calls = await playEveryKind(stage);
  // These come last, because a list looks up the names of the first agents alone.
  const planted = await playPlanted(stage);
  const others: Receiver[] = [];
  return {
    server,
    calls: new Map([...calls, ...planted]),
    // Each time at another endpoint, because the slot of the last one may still be taken.
    holdReports: async () => {
      const silent = await startReceiver(() => new Promise(() => {}));
      others.push(silent);
      return holdReports({ ...stage, stalled: silent });
    },
    close: async () => {
      await server.close();
      await Promise.all([endpoint, secure, dns, stalled, ...others].map((each) => each.close()));
    },
  };
}
