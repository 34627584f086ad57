/** Where people get to when they asked for no page, or for none of the console. */
const FIRST_PAGE = '/console';

// Each segment begins with no dot and is not empty, so that no path leaves the console or names another server.
const PATH = /^\/console(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*(\?[A-Za-z0-9._~%&=+:,*-]*)?$/;
const MAX_CHARS = 2_000;

/** Returns a path of the console that somebody is led to after the login, or that of the first page for any other text. */
export function toReturnPath(text: string | null | undefined): string {
  if (text === undefined || text === null || text.length > MAX_CHARS || !PATH.test(text)) return FIRST_PAGE;
  return /^\/console\/(login|logout|assets)\b/.test(text) ? FIRST_PAGE : text;
}

/** Returns the path of the login that leads to a page. */
export function loginPath(to: string): string {
  const path = toReturnPath(to);
  return path === FIRST_PAGE ? '/console/login' : `/console/login?to=${encodeURIComponent(path)}`;
}
