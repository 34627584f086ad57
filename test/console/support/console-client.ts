import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { TOKENS } from '../../support/tokens.ts';

/** An answer of the console. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Headers = Readonly<Record<string, string>>;
type Form = Readonly<Record<string, string>>;

/** Asks a console as a browser does: it keeps cookies and follows no redirect. Any header may be set, also `host`. */
export interface ConsoleClient {
  /** The cookies that it has, by their names. */
  readonly cookies: Map<string, string>;
  get(path: string, headers?: Headers): Promise<Answer>;
  /** Sends a form. The form token of the page at `page` is added, unless `form` has one. */
  post(
    path: string,
    form: Form,
    options?: { readonly page?: string; readonly headers?: Headers },
  ): Promise<Answer>;
  /** Sends a request with any method and body. */
  send(method: string, path: string, headers?: Headers, body?: string | Buffer): Promise<Answer>;
  /** Logs in with one of the tokens of `test/support/tokens.ts`. */
  logIn(role: keyof typeof TOKENS): Promise<Answer>;
}

/** Makes a client of the console at `host:port`, without cookies. */
export function consoleClient(opsAddress: string): ConsoleClient {
  const cookies = new Map<string, string>();
  const send: ConsoleClient['send'] = async (method, path, headers = {}, body) => {
    const jar = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const sent = jar === '' ? headers : { cookie: jar, ...headers };
    const answer = await ask(opsAddress, { method, path, headers: sent }, body);
    for (const cookie of answer.headers['set-cookie'] ?? []) keep(cookies, cookie);
    return answer;
  };
  const post: ConsoleClient['post'] = async (path, form, { page, headers = {} } = {}) => {
    const csrf = page === undefined ? {} : { csrf: formTokenOf((await send('GET', page)).body) };
    const body = new URLSearchParams({ ...csrf, ...form }).toString();
    return send('POST', path, { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body);
  };
  return {
    cookies,
    send,
    get: (path, headers) => send('GET', path, headers),
    post,
    logIn: (role) => post('/console/login', { token: TOKENS[role] }, { page: '/console/login' }),
  };
}

/** Returns the form token of a page, or an empty text when it has none. */
export function formTokenOf(page: string): string {
  return /name="csrf" value="([^"]*)"/.exec(page)?.[1] ?? '';
}

function keep(cookies: Map<string, string>, setCookie: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(setCookie) ?? [];
  if (/; Max-Age=0(;|$)/.test(setCookie)) cookies.delete(name);
  else cookies.set(name, value);
}

async function ask(
  address: string,
  { method, path, headers }: { method: string; path: string; headers: Headers },
  body: string | Buffer | undefined,
): Promise<Answer> {
  const port = Number(address.split(':').at(-1));
  const hasLength = body !== undefined && headers['transfer-encoding'] === undefined;
  const length = !hasLength ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  // A connection that stays open lets the server answer before it has read all of a body, as browsers do.
  const agent = new Agent({ keepAlive: true });
  const sent = request({ host: '127.0.0.1', port, method, path, headers: { ...length, ...headers }, agent });
  const answered = new Promise<Answer>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      const { statusCode: status = 0, headers: received } = response;
      text(response).then((answer) => resolve({ status, headers: received, body: answer }), reject);
    });
  });
  sent.end(body);
  return answered.finally(() => agent.destroy());
}
