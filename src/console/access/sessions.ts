import { randomBytes } from 'node:crypto';
import { findToken, type ApiToken } from '../../access/api-tokens.ts';
import type { TextSeal } from '../../secrets/text-seal.ts';
import { COOKIES, readCookies } from './cookies.ts';

/** How long a login holds. */
export const SESSION_SECS = 8 * 3_600;

/** A login that holds. */
export interface Session {
  readonly token: ApiToken;
  /** Random. It tells the sessions of one token apart. */
  readonly id: string;
}

/** Keeps sessions in the cookies of browsers, so that each replica with the same keys knows them. */
export interface Sessions {
  /** Begins a session, and returns the value of its cookie. */
  begin(token: ApiToken): string;
  /** Returns the session of a request by its header `cookie`. A session ends with its time, and with its token. */
  find(cookieHeader: string | undefined): Session | undefined;
}

interface Content {
  readonly name: string;
  readonly sha256: string;
  readonly id: string;
  readonly endsAtMs: number;
}

/** Makes the sessions of a server that knows these tokens. `now` returns milliseconds since 1970. */
export function createSessions(seal: TextSeal, tokens: readonly ApiToken[], now = Date.now): Sessions {
  const read = (value: string): Session | undefined => {
    const text = seal.open(value, 'console session');
    if (text === undefined) return undefined;
    // Only this function's counterpart makes texts that open, so the content needs no checks.
    const { name, sha256, id, endsAtMs } = JSON.parse(text) as Content;
    if (endsAtMs <= now()) return undefined;
    const token = findToken(tokens, Buffer.from(sha256, 'base64url'));
    return token?.name === name ? { token, id } : undefined;
  };
  return {
    begin: ({ name, sha256 }) => {
      const id = randomBytes(16).toString('base64url');
      const endsAtMs = now() + SESSION_SECS * 1_000;
      const content: Content = { name, sha256: sha256.toString('base64url'), id, endsAtMs };
      return seal.seal(JSON.stringify(content), 'console session');
    },
    find: (header) => {
      for (const value of readCookies(header, COOKIES.session)) {
        const session = read(value);
        if (session !== undefined) return session;
      }
      return undefined;
    },
  };
}
