import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import type { ConsoleAccess } from '../access/console-access.ts';
import { CallhooksError } from '../errors.ts';
import type { LocalApi } from '../grpc/local-api.ts';
import type { Logger } from '../logger.ts';
import type { TextSeal } from '../secrets/text-seal.ts';
import { checkRequest } from './access/check-request.ts';
import { createFormTokens } from './access/form-tokens.ts';
import { letIn } from './access/let-in.ts';
import { createLogin } from './access/login.ts';
import { createLoginLimit } from './access/login-limit.ts';
import { createLoginLog } from './access/login-log.ts';
import { limitRequests } from './access/request-limits.ts';
import { createSessions } from './access/sessions.ts';
import { findAsset } from './assets.ts';
import { problemPage } from './layout/problem-page.ts';
import { SECURITY_HEADERS } from './layout/security-headers.ts';
import { overviewPage } from './pages/overview.ts';
import { createViewerApi, type ConsoleEnv } from './viewer.ts';

/** The pages for people, as a part of an HTTP server. */
export interface Console {
  /** Answers a request whose path is `/console` or below it. */
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** What the console works with. */
export interface ConsoleDeps {
  readonly localApi: LocalApi;
  readonly logger: Logger;
  readonly access: ConsoleAccess;
  readonly seal: TextSeal;
  /** Called for each login with a wrong token, for the metrics. */
  readonly onUnknownToken: () => void;
}

type App = Hono<ConsoleEnv>;

/** Makes the console. */
export function createConsole(deps: ConsoleDeps): Console {
  const { localApi, logger } = deps;
  const app: App = new Hono();
  app.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS))
      if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  });
  app.use(limitRequests(), checkRequest(deps.access));
  app.get('/console/assets/*', (c) => {
    const asset = findAsset(c.req.path);
    if (asset === undefined) return c.notFound();
    const headers = {
      'content-type': asset.contentType,
      'cache-control': 'public, max-age=31536000, immutable',
    };
    return c.body(asset.content, 200, headers);
  });
  addAccess(app, deps);
  app.use(async (c, next) => {
    const { remoteAddress = '', remotePort = 0 } = c.env.incoming.socket;
    const { signal } = c.req.raw;
    c.set(
      'api',
      createViewerApi(localApi, c.get('viewer'), { peer: `${remoteAddress}:${remotePort}`, signal }),
    );
    await next();
  });
  addPages(app);
  app.notFound(notFound);
  app.onError((error, c) => {
    if (error instanceof CallhooksError)
      return c.html(problemPage(c.get('viewer'), 'That did not work', error.message), 400);
    logger.error({ err: error }, 'a page of the console failed');
    return c.html(problemPage(c.get('viewer'), 'That did not work', 'The page could not be made.'), 500);
  });
  // The server says when a connection has waited for too long, so this adds no time limit of its own.
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return { handle: (request, response) => void listener(request, response) };
}

function addPages(app: App): void {
  app.get('/console', overviewPage);
  app.get('/console/', (c) => c.redirect('/console', 301));
}

/** Adds what stands before all pages. Routes that are added later are for people whom it has let in. */
function addAccess(app: App, { access, seal, logger, onUnknownToken }: ConsoleDeps): void {
  const { tokens, allowsPlaintext } = access;
  const sessions = tokens && createSessions(seal, tokens);
  app.use(letIn({ sessions, formTokens: createFormTokens(seal) }));
  if (tokens === undefined || sessions === undefined) return;
  const log = createLoginLog(logger, onUnknownToken);
  const login = createLogin({ tokens, allowsPlaintext, sessions, limit: createLoginLimit(), log });
  app.get('/console/login', login.show);
  app.post('/console/login', login.logIn);
  app.post('/console/logout', login.logOut);
}

function notFound(c: Context<ConsoleEnv>): Response | Promise<Response> {
  if (c.req.method !== 'POST')
    return c.html(problemPage(c.get('viewer'), 'Not found', 'There is no such page.'), 404);
  c.header('allow', 'GET, HEAD');
  return c.html(problemPage(c.get('viewer'), 'Not answered', 'There is no such form.'), 405);
}
