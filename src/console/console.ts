import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { html } from 'hono/html';
import type { ConsoleAccess } from '../access/console-access.ts';
import type { Commands } from '../commands/bind-commands.ts';
import { CallhooksError } from '../errors.ts';
import type { GrpcTarget } from '../explain/copy/as-grpcurl.ts';
import type { LocalApi } from '../grpc/local-api.ts';
import type { Logger } from '../logger.ts';
import type { TextSeal } from '../secrets/text-seal.ts';
import { checkRequest } from './access/check-request.ts';
import { createFormTokens } from './access/form-tokens.ts';
import { letIn } from './access/let-in.ts';
import { createLoginLimit } from './access/login-limit.ts';
import { createLoginLog } from './access/login-log.ts';
import { createLogin } from './access/login.ts';
import { limitRequests } from './access/request-limits.ts';
import { createSessions } from './access/sessions.ts';
import { createAgentNames } from './agent-names.ts';
import { messageJson } from './message-json.ts';
import { findAsset } from './assets.ts';
import { problemPage } from './layout/problem-page.ts';
import { refusalText, WAYS_ON } from './layout/refusal-text.ts';
import { answerOfRefusal } from './layout/refusal.ts';
import { SECURITY_HEADERS } from './layout/security-headers.ts';
import { agentPage } from './pages/agents/agent-page.ts';
import { agentsPage } from './pages/agents/agents-page.ts';
import { conversationPage } from './pages/execution/conversation-page.ts';
import { executionPage } from './pages/execution/execution-page.ts';
import { executionsPage } from './pages/executions/executions-page.ts';
import { liveExecutions } from './pages/executions/live.ts';
import { searchPage } from './pages/search-page.ts';
import { createOverviewPage } from './pages/overview/overview-page.ts';
import { createTryPage } from './pages/try/try-page.ts';
import { createViewerApi, type ConsoleEnv } from './viewer.ts';

/** The pages for people, as a part of an HTTP server. */
export interface Console {
  /** Answers a request whose path is `/console` or below it. */
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** What the console works with. */
export interface ConsoleDeps {
  readonly localApi: LocalApi;
  readonly overview: Commands['overview'];
  readonly logger: Logger;
  readonly access: ConsoleAccess;
  readonly seal: TextSeal;
  /** The gRPC port of this server, for the commands that people copy. */
  readonly grpcTarget: GrpcTarget;
  /** Called for each login with a wrong token, for the metrics. */
  readonly onUnknownToken: () => void;
}

type App = Hono<ConsoleEnv>;

/** Makes the console. */
export function createConsole(deps: ConsoleDeps): Console {
  const { localApi, logger } = deps;
  const app: App = new Hono();
  const agentNames = createAgentNames();
  // It takes some 20 ms, in which a page should not keep the event loop from calls.
  messageJson();
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
    c.set('agentNames', agentNames);
    c.set('grpcTarget', deps.grpcTarget);
    await next();
  });
  addPages(app, deps);
  app.notFound(notFound);
  app.onError((error, c) => {
    if (error instanceof CallhooksError) return refused(c, error);
    logger.error({ err: error }, 'a page of the console failed');
    return c.html(
      problemPage(
        c.get('viewer'),
        'That did not work',
        'The page could not be made. The log of the server says why.',
      ),
      500,
    );
  });
  // The server says when a connection has waited for too long, so this adds no time limit of its own.
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return { handle: (request, response) => void listener(request, response) };
}

function addPages(app: App, deps: ConsoleDeps): void {
  const tryPage = createTryPage();
  app.get('/console', createOverviewPage(deps.overview));
  app.get('/console/', (c) => c.redirect('/console', 301));
  app.get('/console/executions', executionsPage);
  app.get('/console/executions/live', liveExecutions);
  app.get('/console/executions/:uuid', executionPage);
  app.get('/console/conversations/:uuid', conversationPage);
  app.get('/console/agents', agentsPage);
  app.get('/console/agents/:uuid', agentPage);
  app.get('/console/search', searchPage);
  app.get('/console/try', tryPage.show);
  app.post('/console/try', tryPage.submit);
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

function refused(c: Context<ConsoleEnv>, error: CallhooksError): Response | Promise<Response> {
  const answer = answerOfRefusal(error);
  const { status, title, retryAfterSecs } = answer;
  if (retryAfterSecs !== undefined) c.header('retry-after', String(retryAfterSecs));
  return c.html(problemPage(c.get('viewer'), title, refusalText(error.message, answer)), status);
}

function notFound(c: Context<ConsoleEnv>): Response | Promise<Response> {
  if (c.req.method !== 'POST')
    return c.html(
      problemPage(
        c.get('viewer'),
        'Not found',
        html`<p>There is no such page.</p>
          ${WAYS_ON}`,
      ),
      404,
    );
  c.header('allow', 'GET, HEAD');
  return c.html(problemPage(c.get('viewer'), 'Not answered', 'There is no such form.'), 405);
}
