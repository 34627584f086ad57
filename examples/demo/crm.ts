import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that the CRM received. */
export interface CrmRequest {
  readonly path: string;
  readonly body: string;
}

/** A customer database with a web API, small enough for a demo. */
export interface Crm {
  readonly url: string;
  /** Makes each later lookup take this long. */
  slowDown(delayMs: number): void;
  /** Returns the last request to a path. Waits for one if there is none yet. */
  lastRequest(path: string): Promise<CrmRequest>;
  close(): Promise<void>;
}

const CUSTOMERS: Readonly<Record<string, object>> = {
  '+14155550123': { customer: { name: 'Ada Lovelace', plan: 'gold' }, open_orders: [{ sku: 'ENGINE-1' }] },
};

/** Starts the CRM on a free port of 127.0.0.1. */
export async function startCrm(): Promise<Crm> {
  const requests: CrmRequest[] = [];
  const waiting: (() => void)[] = [];
  let delayMs = 0;
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    incoming.on('end', () => {
      requests.push({ path: incoming.url ?? '', body });
      for (const wake of waiting.splice(0)) wake();
      const { caller_phone: phone = '' } = JSON.parse(body) as { caller_phone?: string };
      const reply = incoming.url === '/lookup' ? (CUSTOMERS[phone] ?? {}) : { noted: true };
      setTimeout(() => response.end(JSON.stringify(reply)), incoming.url === '/lookup' ? delayMs : 0);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const lastRequest = async (path: string): Promise<CrmRequest> => {
    for (;;) {
      const found = requests.findLast((request) => request.path === path);
      if (found) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    slowDown: (ms) => {
      delayMs = ms;
    },
    lastRequest,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
