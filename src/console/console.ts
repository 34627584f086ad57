import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { html } from 'hono/html';
import { CallhooksError } from '../errors.ts';
import type { LocalApi } from '../grpc/local-api.ts';
import type { Logger } from '../logger.ts';
import { findAsset } from './assets.ts';
import { SECURITY_HEADERS } from './layout/security-headers.ts';
import { shell } from './layout/shell.ts';
import { overviewPage } from './pages/overview.ts';
import { createViewerApi, type ConsoleEnv, type Viewer } from './viewer.ts';

/** The pages for people, as a part of an HTTP server. */
export interface Console {
  /** Answers a request whose path is `/console` or below it. */
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** What the console works with. */
export interface ConsoleDeps {
  readonly localApi: LocalApi;
  readonly logger: Logger;
}

type App = Hono<ConsoleEnv & { Bindings: HttpBindings }>;

const EVERYBODY: Viewer = { name: undefined, role: 'admin' };

/** Makes the console. */
export function createConsole({ localApi, logger }: ConsoleDeps): Console {
  const app: App = new Hono();
  app.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS))
      if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  });
  app.get('/console/assets/*', (c) => {
    const asset = findAsset(c.req.path);
    if (asset === undefined) return c.notFound();
    const headers = {
      'content-type': asset.contentType,
      'cache-control': 'public, max-age=31536000, immutable',
    };
    return c.body(asset.content, 200, headers);
  });
  app.use(async (c, next) => {
    const { remoteAddress = '', remotePort = 0 } = c.env.incoming.socket;
    const { signal } = c.req.raw;
    c.set('viewer', EVERYBODY);
    c.set('api', createViewerApi(localApi, EVERYBODY, { peer: `${remoteAddress}:${remotePort}`, signal }));
    await next();
  });
  app.get('/console', overviewPage);
  app.notFound((c) => c.html(problemPage('Not found', 'There is no such page.'), 404));
  app.onError((error, c) => {
    if (error instanceof CallhooksError) return c.html(problemPage('That did not work', error.message), 400);
    logger.error({ err: error }, 'a page of the console failed');
    return c.html(problemPage('That did not work', 'The page could not be made.'), 500);
  });
  // The server says when a connection has waited for too long, so this adds no time limit of its own.
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return { handle: (request, response) => void listener(request, response) };
}

function problemPage(title: string, text: string) {
  return shell(EVERYBODY, { title, body: html`<p>${text}</p>` });
}
