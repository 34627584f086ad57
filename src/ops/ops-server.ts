import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { keepConnectionRoom } from './connection-room.ts';
import type { MetricsPage } from './metrics/page.ts';

/** The operations port: plain HTTP for machines that watch this one. */
export interface OpsServer {
  /** Binds the address (`host:port`; port 0 takes a free one), and returns the address that it got. */
  listen(address: string): Promise<string>;
  close(): Promise<void>;
}

/** What the port shows. */
export interface OpsServerDeps {
  readonly page: () => Promise<MetricsPage>;
  /** Reports whether the process serves calls now. */
  readonly isReady: () => boolean;
  /** Answers the requests below `/console`. There is no console when it is absent. */
  readonly console?: { handle(request: IncomingMessage, response: ServerResponse): void } | undefined;
}

// Probes must get through while others hold connections, so only connections that do something are kept for long.
const MAX_CONNECTIONS = 1_000;
/** Above this, each new connection ends one that asks for nothing. */
const MAX_KEPT_CONNECTIONS = 900;
/** How many pages may be on their way at once: a scraper that does not read keeps its page in memory. */
const MAX_PAGES = 16;
const OPTIONS = {
  // Browsers send the cookies of all programs at `localhost` to each of them.
  maxHeaderSize: 16_384,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  // Longer than the usual 15 s between two scrapes.
  keepAliveTimeout: 20_000,
  connectionsCheckingInterval: 1_000,
} as const;
/** A scraper that has not read its page by then loses its connection, however much of it it has read. */
const PAGE_MS = 10_000;
const TEXT = 'text/plain; charset=utf-8';
const CONSOLE = /^\/console(\/|$)/;
const PATHS = 'GET /metrics, /healthz or /readyz\n';

/** Makes the server. It answers `GET` and `HEAD` of `/metrics`, `/healthz` and `/readyz`, and other paths with 404. The console answers its own. */
export function createOpsServer({ page, isReady, console }: OpsServerDeps): OpsServer {
  const sendPage = createPageSender(page);
  const server = createServer(OPTIONS, (request, response) => {
    if (!room.admit(request.socket, response)) return undefined;
    const path = request.url?.split('?')[0];
    if (console !== undefined && path !== undefined && CONSOLE.test(path))
      return console.handle(request, response);
    if (path === '/metrics' || path === '/healthz' || path === '/readyz') {
      if (request.method !== 'GET' && request.method !== 'HEAD') return refuseMethod(response);
      if (path === '/metrics') return sendPage(request, response);
      if (path === '/healthz') return sendText(response, 200, 'ok\n');
      return isReady() ? sendText(response, 200, 'ready\n') : sendText(response, 503, 'not ready\n');
    }
    sendText(response, 404, PATHS);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const room = keepConnectionRoom(server, MAX_KEPT_CONNECTIONS);
  server.timeout = PAGE_MS;
  return {
    listen: async (address) => {
      const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
      server.listen(Number(port), host.replace(/^\[|\]$/g, ''));
      await once(server, 'listening');
      return `${host}:${(server.address() as AddressInfo).port}`;
    },
    close: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function createPageSender(page: OpsServerDeps['page']) {
  let underWay = 0;
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (underWay >= MAX_PAGES) return sendText(response, 503, 'too many pages are on their way\n');
    underWay += 1;
    const deadline = setTimeout(() => response.destroy(), PAGE_MS).unref();
    response.once('close', () => {
      clearTimeout(deadline);
      underWay -= 1;
    });
    page().then(
      ({ contentType, body }) => {
        response.writeHead(200, { 'content-type': contentType, 'content-length': body.length });
        response.end(request.method === 'HEAD' ? undefined : body);
      },
      () => sendText(response, 500, 'the page could not be made\n'),
    );
  };
}

function refuseMethod(response: ServerResponse): void {
  response.setHeader('allow', 'GET, HEAD');
  sendText(response, 405, 'GET or HEAD\n');
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': TEXT, 'content-length': text.length }).end(text);
}
