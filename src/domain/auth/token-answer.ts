import type { HttpHeader } from '../execution.ts';
import type { JsonValue } from '../json.ts';
import { isVisibleAscii } from './credential-text.ts';
import { readResponse } from '../response/response-json.ts';

/** The answer of a token endpoint as it was read. */
export interface TokenAnswer {
  readonly status: number;
  readonly headers: readonly HttpHeader[];
  readonly body: Uint8Array;
}

/** An access token and how long it is good for, or why the answer holds none. A problem repeats nothing of the answer. */
type ReadToken =
  | { readonly ok: true; readonly value: string; readonly lifetimeMs: number }
  | { readonly ok: false; readonly problem: string };

const MAX_ACCESS_TOKEN_CHARS = 8 * 1024;
const DEFAULT_LIFETIME_MS = 5 * 60_000;
const MAX_LIFETIME_MS = 24 * 3_600_000;

/**
 * Reads a successful answer of a token endpoint (RFC 6749, 5.1). The token must be of the type Bearer, of visible ASCII
 * and at most 8 KiB. A missing type counts as Bearer. A lifetime that is missing, or no positive number, counts as 5
 * minutes; one over 24 hours counts as 24 hours.
 */
export function readTokenAnswer(answer: TokenAnswer): ReadToken {
  const read = readResponse(answer);
  if (!read.ok) return refused('is not JSON');
  const { access_token: token, token_type: type = 'Bearer', expires_in: expiresIn } = membersOf(read.value);
  if (typeof token !== 'string' || token === '') return refused('has no access_token');
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    return refused('has a token_type other than Bearer');
  if (token.length > MAX_ACCESS_TOKEN_CHARS) return refused('has an access_token larger than 8 KiB');
  // RFC 6750, 2.1 allows fewer characters, but some servers issue tokens with others, such as `!`.
  if (!isVisibleAscii(token)) return refused('has an access_token with characters other than visible ASCII');
  return { ok: true, value: token, lifetimeMs: lifetimeOf(expiresIn) };
}

function refused(problem: string): ReadToken {
  return { ok: false, problem };
}

function membersOf(value: JsonValue | undefined): Readonly<Record<string, JsonValue | undefined>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

// Some servers write the number as a text.
function lifetimeOf(expiresIn: JsonValue | undefined): number {
  const secs = typeof expiresIn === 'string' && expiresIn.trim() !== '' ? Number(expiresIn) : expiresIn;
  if (typeof secs !== 'number' || !(secs > 0)) return DEFAULT_LIFETIME_MS;
  return Math.min(secs * 1_000, MAX_LIFETIME_MS);
}

const ERROR_CODE = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * Returns the `error` of a refusal (RFC 6749, 5.2), such as `invalid_client`. Returns undefined when the answer has none,
 * or one that is longer than 64 characters or has others than letters, digits, `_`, `.` and `-`.
 */
export function readErrorCode(answer: TokenAnswer): string | undefined {
  const read = readResponse(answer);
  const { error } = membersOf(read.ok ? read.value : undefined);
  return typeof error === 'string' && ERROR_CODE.test(error) ? error : undefined;
}
