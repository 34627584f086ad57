import { fileURLToPath } from 'node:url';
import { startReceiver } from '../support/receiver.ts';
import { TOKEN_SETTINGS, TOKENS } from '../support/tokens.ts';
import { startBuiltServer } from './built-server.ts';
import { startFlakyServer } from './flaky-server.ts';

const CERTS = fileURLToPath(new URL('../support/certs', import.meta.url));

/** The servers that the tests of a client package call, and the variables that name them to these tests. */
export interface ClientServers {
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts a built server, one with mutual TLS and tokens, a flaky server, and an endpoint that knows Ada's three visits. */
export async function startClientServers(): Promise<ClientServers> {
  const open: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of open.toReversed()) await close();
  };
  try {
    const endpoint = await startReceiver({ body: { name: 'Ada', visits: 3 } });
    open.push(endpoint.close);
    const server = await startBuiltServer();
    open.push(server.stop);
    const guarded = await startBuiltServer({
      ...TOKEN_SETTINGS,
      CALLHOOKS_TLS_CERT_FILE: `${CERTS}/endpoint.pem`,
      CALLHOOKS_TLS_KEY_FILE: `${CERTS}/endpoint.key`,
      CALLHOOKS_TLS_CLIENT_CA_FILE: `${CERTS}/client-ca.pem`,
    });
    open.push(guarded.stop);
    const flaky = await startFlakyServer();
    open.push(flaky.close);
    const env = {
      CALLHOOKS_TEST_ENDPOINT: `${endpoint.url}/crm`,
      CALLHOOKS_TEST_ADDRESS: server.address,
      CALLHOOKS_TEST_TLS_ADDRESS: guarded.address,
      CALLHOOKS_TEST_CERTS: CERTS,
      CALLHOOKS_TEST_TOKEN: TOKENS.viewer,
      CALLHOOKS_TEST_FLAKY_ADDRESS: flaky.address,
    };
    return { env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
