import type { Context } from 'hono';
import { findToken, hashToken, type ApiToken } from '../../access/api-tokens.ts';
import type { ConsoleEnv } from '../viewer.ts';
import { COOKIES, writeCookie } from './cookies.ts';
import { csrfField } from './csrf-field.ts';
import { cameOverHttps, isLoopbackHost } from './hosts.ts';
import type { LoginLimit } from './login-limit.ts';
import type { LoginLog } from './login-log.ts';
import { loginPage, plaintextPage } from './login-page.ts';
import { loginPath, toReturnPath } from './return-path.ts';
import { SESSION_SECS, type Sessions } from './sessions.ts';

/** What the login works with. */
export interface LoginDeps {
  readonly tokens: readonly ApiToken[];
  readonly allowsPlaintext: boolean;
  readonly sessions: Sessions;
  readonly limit: LoginLimit;
  readonly log: LoginLog;
}

/** The three routes of the login. */
export interface LoginRoutes {
  show(c: Context<ConsoleEnv>): Response | Promise<Response>;
  logIn(c: Context<ConsoleEnv>): Response | Promise<Response>;
  logOut(c: Context<ConsoleEnv>): Response | Promise<Response>;
}

/** Makes the login for a server with tokens. */
export function createLogin({ tokens, allowsPlaintext, sessions, limit, log }: LoginDeps): LoginRoutes {
  const maySendToken = (c: Context): boolean =>
    allowsPlaintext || isLoopbackHost(c.req.header('host')) || isHttps(c);
  return {
    show: (c) => {
      const to = toReturnPath(c.req.query('to'));
      if (c.get('viewer') !== undefined) return c.redirect(to, 303);
      if (!maySendToken(c)) return c.html(plaintextPage(false), 403);
      return c.html(loginPage({ csrf: csrfField(c), to, again: againPath(c, to) }));
    },
    logIn: (c) => {
      if (!maySendToken(c)) return c.html(plaintextPage(true), 403);
      const form = c.get('form');
      const to = toReturnPath(form.get('to'));
      const tryAgain = (status: 403 | 429, problem: string) =>
        c.html(loginPage({ csrf: csrfField(c), to, problem }), status);
      const waitSecs = limit.take(c.env.incoming.socket.remoteAddress ?? '');
      if (waitSecs > 0) {
        log.limited(peerOf(c));
        c.header('retry-after', String(waitSecs));
        return tryAgain(429, `Too many logins were tried. Try again in ${waitSecs} s.`);
      }
      const token = findToken(tokens, hashToken(form.get('token')?.trim() ?? ''));
      if (token === undefined) {
        log.failed(peerOf(c));
        return tryAgain(403, 'This server does not know the token.');
      }
      log.loggedIn(token.name, peerOf(c));
      setSession(c, sessions.begin(token), SESSION_SECS);
      return c.redirect(to, 303);
    },
    logOut: (c) => {
      log.loggedOut(c.get('viewer').name ?? '', peerOf(c));
      setSession(c, '', 0);
      return c.redirect(loginPath(''), 303);
    },
  };
}

// A browser leaves the cookie out of a request that follows a link of somebody else (SameSite=Strict). A second request,
// which this page makes itself, has it.
function againPath(c: Context, to: string): string | undefined {
  if (c.req.header('sec-fetch-site') !== 'cross-site' || c.req.query('again') !== undefined) return undefined;
  return `/console/login?again=1&to=${encodeURIComponent(to)}`;
}

function setSession(c: Context, value: string, maxAgeSecs: number): void {
  const cookie = writeCookie(COOKIES.session, value, { isSecure: isHttps(c), maxAgeSecs });
  c.header('set-cookie', cookie, { append: true });
}

function isHttps(c: Context): boolean {
  return cameOverHttps(c.req.header('x-forwarded-proto'));
}

function peerOf(c: Context<ConsoleEnv>): string {
  const { remoteAddress = 'unknown', remotePort = 0 } = c.env.incoming.socket;
  return `${remoteAddress}:${remotePort}`;
}
