import { randomBytes } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { html } from 'hono/html';
import { problemPage } from '../layout/problem-page.ts';
import type { Html } from '../layout/shell.ts';
import type { ConsoleEnv, Viewer } from '../viewer.ts';
import { COOKIES, readCookies, writeCookie } from './cookies.ts';
import { CSRF_FIELD } from './csrf-field.ts';
import type { FormTokens } from './form-tokens.ts';
import { cameOverHttps } from './hosts.ts';
import { createFormReader, type FormRefusal } from './read-form.ts';
import { loginPath } from './return-path.ts';
import type { Session, Sessions } from './sessions.ts';

const FORM_COOKIE = /^[A-Za-z0-9_-]{43}$/;
/** The one page that people without a session see. */
const LOGIN = '/console/login';

/** What decides who comes in. */
interface LetInDeps {
  /** Everybody comes in when they are undefined: the server has no tokens. */
  readonly sessions: Sessions | undefined;
  readonly formTokens: FormTokens;
}

/**
 * Sets the viewer of a request, and leads everybody else to the login. Of a POST, it reads the form and checks its token,
 * so that no page can forget it.
 */
export function letIn({ sessions, formTokens }: LetInDeps): MiddlewareHandler<ConsoleEnv> {
  const reader = createFormReader();
  return async (c, next) => {
    const session = sessions?.find(c.req.header('cookie'));
    const isStranger = sessions !== undefined && session === undefined;
    const isLogin = c.req.path === LOGIN;
    if (isStranger && !isLogin) return c.redirect(loginOf(c), 303);
    // A second tab may still show the login, so its form belongs to the browser.
    const owner = session === undefined || isLogin ? browserOf(c) : `session ${session.id}`;
    const formToken = formTokens.make(owner);
    c.set('formToken', formToken);
    if (!isStranger) c.set('viewer', viewerOf(session, formToken));
    if (c.req.method !== 'POST') return next();
    const form = await (isLogin ? reader.ofLogin(c) : reader.ofPage(c));
    if (!(form instanceof URLSearchParams)) return refuse(c, form.status, form.text);
    c.set('form', form);
    const isOurs = formTokens.isFor(form.get(CSRF_FIELD) ?? '', owner);
    return isOurs ? next() : refuse(c, 403, isLogin ? STALE_LOGIN : STALE);
  };
}

const STALE = `The form belongs to another session, or to none. Go back, load its page again, and send it from there.`;
const STALE_LOGIN = html`<p>The form is too old. <a href="${LOGIN}">Load it again.</a></p>`;

function refuse(
  c: Context<ConsoleEnv>,
  status: FormRefusal['status'] | 403,
  text: string | Html,
): Response | Promise<Response> {
  return c.html(problemPage(c.get('viewer'), 'The form was not sent', text), status);
}

function viewerOf(session: Session | undefined, formToken: string): Viewer {
  if (session === undefined) return { name: undefined, role: 'admin', formToken };
  return { name: session.token.name, role: session.token.role, formToken };
}

// What was posted is lost, and the form begins anew.
function loginOf(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return loginPath(c.req.method === 'POST' ? pathname : pathname + search);
}

/** Returns the owner of forms in a browser without a session. It is known by a random cookie, which it gets here. */
function browserOf(c: Context): string {
  const known = readCookies(c.req.header('cookie'), COOKIES.form).find((value) => FORM_COOKIE.test(value));
  if (known !== undefined) return `browser ${known}`;
  const value = randomBytes(32).toString('base64url');
  const isSecure = cameOverHttps(c.req.header('x-forwarded-proto'));
  c.header('set-cookie', writeCookie(COOKIES.form, value, { isSecure }), { append: true });
  return `browser ${value}`;
}
