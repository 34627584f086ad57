import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';

// Stored webhooks name this address. Nobody else listens on it, because a port belongs to one address of loopback.
const HOST = '127.83.17.5';
const PORT = 8480;

/** Is where the webhooks of the fixtures point, without a slash at its end. */
export const ENDPOINT = `http://${HOST}:${PORT}`;

/** One request of a fixture's webhook. */
export interface FixtureRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The endpoint of the fixtures. Each of its paths has an answer of its own. */
export interface FixtureEndpoint {
  readonly requests: readonly FixtureRequest[];
  /** Answers the requests of `/hold` from now on; until then they wait. */
  release(): void;
  close(): Promise<void>;
}

const CUSTOMER = {
  customer: { name: 'Ada Lovelace', plan: 'gold', visits: 7, tags: ['vip', 'späť'], note: null, empty: '' },
};

/** Starts the endpoint. */
export async function startFixtureEndpoint(): Promise<FixtureEndpoint> {
  const requests: FixtureRequest[] = [];
  const held: (() => void)[] = [];
  let isReleased = false;
  const hold = (response: ServerResponse): void => {
    const send = (): void => sendJson(response, 200, { noted: true });
    if (isReleased) send();
    else held.push(send);
  };
  const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
    '/customer': (response) => sendJson(response, 200, CUSTOMER),
    '/object': (response) => sendJson(response, 200, { found: { name: 'Grace', plan: 'silver', other: 1 } }),
    '/reject': (response) => sendJson(response, 403, { reason: 'the caller is on the list' }),
    '/status': (response) => sendJson(response, 503, { error: 'down' }),
    '/moved': (response) => void response.writeHead(302, { location: `${ENDPOINT}/customer` }).end(),
    '/large': (response) => sendJson(response, 200, { text: 'x'.repeat(300_000) }),
    '/page': (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>no</p>'),
    '/binary': (response) => void response.end(Buffer.from([0, 255, 254, 1])),
    '/break': (response) => void response.destroy(),
    '/token': (response) =>
      sendJson(response, 200, { access_token: 'fixture-access-token', expires_in: 3600 }),
    '/no-token': (response) => sendJson(response, 401, { error: 'invalid_client' }),
    '/slow': () => undefined,
    '/hold': hold,
  };
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const path = new URL(incoming.url ?? '', ENDPOINT).pathname;
      requests.push({ path, headers: incoming.headers, body: Buffer.concat(chunks).toString('utf8') });
      (answers[path] ?? ((it) => sendJson(it, 404, {})))(response);
    });
  });
  server.listen(PORT, HOST);
  await once(server, 'listening');
  return {
    requests,
    release: () => {
      isReleased = true;
      for (const send of held.splice(0)) send();
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
