import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Holds one request as it arrived, with its body. */
export interface ReceivedRequest {
  readonly method: string;
  /** Holds the request target, which is path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Holds the body as UTF-8 text. `bytes` holds it as it came. */
  readonly body: string;
  readonly bytes: Buffer;
  /** Says when the body was complete, in milliseconds on the monotonic clock (`performance.now()`). */
  readonly at: number;
}

/** Describes an answer. An object that is no bytes is sent as JSON. The default is status 200 without a body. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array | object;
  /** Delays the answer by so many milliseconds. */
  readonly delayMs?: number;
}

/** Answers a request: returns a {@link Reply}, or writes to `response` itself and returns nothing. */
export type Respond = (
  request: ReceivedRequest,
  response: ServerResponse,
) => Reply | undefined | void | Promise<Reply | undefined | void>;

/** Is a real HTTP server on loopback that records the requests to it. */
export interface Receiver {
  /** Is `http://127.0.0.1:port`, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** Lists the complete requests in the order of arrival. */
  readonly requests: readonly ReceivedRequest[];
  /** Resolves with the first `count` requests as soon as there are so many; rejects after `timeoutMs` (5 s). */
  waitFor(count: number, timeoutMs?: number): Promise<readonly ReceivedRequest[]>;
  /** Answers later requests with `next`: a function, or one reply for all. */
  respond(next: Respond | Reply): void;
  /** Ends every connection and frees the port. */
  close(): Promise<void>;
}

/** Starts a receiver on a free port of 127.0.0.1. Without `handler` it answers 200 and `{}`. */
export async function startReceiver(handler?: Respond | Reply): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const waiters = new Set<() => void>();
  let respond = toRespond(handler ?? { body: {} });
  const server = createServer((incoming, response) => {
    readRequest(incoming)
      .then((request) => {
        requests.push(request);
        for (const wake of waiters) wake();
        return answer(respond, request, response);
      })
      .catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    waitFor: (count, timeoutMs = 5_000) => waitUntil(requests, waiters, count, timeoutMs),
    respond: (next) => {
      respond = toRespond(next);
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function toRespond(handler: Respond | Reply): Respond {
  return typeof handler === 'function' ? handler : () => handler;
}

async function readRequest(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const { method = '', url = '', headers } = incoming;
  return { method, url, headers, body: bytes.toString('utf8'), bytes, at: performance.now() };
}

async function answer(respond: Respond, request: ReceivedRequest, response: ServerResponse): Promise<void> {
  const reply = await respond(request, response);
  if (reply === undefined) return;
  if (reply.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, reply.delayMs).unref());
  const { body, isJson } = encode(reply.body);
  response.statusCode = reply.status ?? 200;
  if (isJson) response.setHeader('content-type', 'application/json');
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  response.end(body);
}

function encode(body: Reply['body']): { body: string | Uint8Array; isJson: boolean } {
  if (body === undefined) return { body: '', isJson: false };
  if (typeof body === 'string' || body instanceof Uint8Array) return { body, isJson: false };
  return { body: JSON.stringify(body), isJson: true };
}

function waitUntil(
  requests: readonly ReceivedRequest[],
  waiters: Set<() => void>,
  count: number,
  timeoutMs: number,
): Promise<readonly ReceivedRequest[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiters.delete(look);
      reject(new Error(`the receiver has ${requests.length} of ${count} requests after ${timeoutMs} ms`));
    }, timeoutMs);
    const look = () => {
      if (requests.length < count) return;
      clearTimeout(timer);
      waiters.delete(look);
      resolve(requests.slice(0, count));
    };
    waiters.add(look);
    look();
  });
}
