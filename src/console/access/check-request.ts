import type { Context, MiddlewareHandler } from 'hono';
import type { ConsoleAccess } from '../../access/console-access.ts';
import { problemPage } from '../layout/problem-page.ts';
import type { ConsoleEnv } from '../viewer.ts';
import { isLoopbackHost } from './hosts.ts';
import { comesFromHere } from './same-origin.ts';

const METHODS = 'GET, HEAD, POST';

/** Refuses requests that no page of this console and no person made, whoever sends them. */
export function checkRequest({ namesLoopbackOnly }: ConsoleAccess): MiddlewareHandler<ConsoleEnv> {
  return async (c, next) => {
    const { method } = c.req;
    if (!METHODS.split(', ').includes(method)) return refuse(c, 405, 'GET, HEAD and POST are answered.');
    // A page of somebody else may have a name whose address is changed to this machine's (DNS rebinding).
    if (namesLoopbackOnly && !isLoopbackHost(c.req.header('host')))
      return refuse(c, 421, 'Without tokens, this console is reached as localhost or 127.0.0.1 alone.');
    if (!isWanted(c)) return refuse(c, 403, 'A page of somebody else made this request.');
    return next();
  };
}

function isWanted(c: Context): boolean {
  const [host, origin, site] = [c.req.header('host'), c.req.header('origin'), c.req.header('sec-fetch-site')];
  if (c.req.method === 'POST') return comesFromHere({ host, origin, site });
  // Others may link to a page. They may not load it into a page of theirs.
  return c.req.header('sec-fetch-mode') === 'navigate' || comesFromHere({ host, origin: undefined, site });
}

function refuse(c: Context<ConsoleEnv>, status: 403 | 405 | 421, text: string): Response | Promise<Response> {
  if (status === 405) c.header('allow', METHODS);
  return c.html(problemPage(undefined, 'Not answered', text), status);
}
