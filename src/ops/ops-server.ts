import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The operations port: plain HTTP for machines that watch this one. */
export interface OpsServer {
  /** Binds the address (`host:port`; port 0 takes a free one), and returns the address that it got. */
  listen(address: string): Promise<string>;
  close(): Promise<void>;
}

/** Makes a server that answers `GET /metrics` with the page, and everything else with 404. */
export function createOpsServer(page: () => Promise<{ contentType: string; text: string }>): OpsServer {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('GET /metrics\n');
      return;
    }
    page().then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
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
