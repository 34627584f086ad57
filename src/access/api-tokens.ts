import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isRole, ROLES, type Role } from './roles.ts';

/** A secret that a client sends as `authorization: Bearer …`. Only its hash is known here. */
export interface ApiToken {
  /** The name that log lines show. */
  readonly name: string;
  readonly role: Role;
  /** The SHA-256 of the token, 32 bytes. */
  readonly sha256: Buffer;
}

/** The tokens and the problems in a text. No problem shows a token. */
export interface ParsedTokens {
  readonly tokens: readonly ApiToken[];
  readonly problems: readonly string[];
}

// Scanners for leaked secrets find a token by its beginning.
const PREFIX = 'callhooks_';
const RANDOM_BYTES = 32;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const SHA256 = /^[0-9a-f]{64}$/i;

/** Says which names a token may have. It completes the sentence "The name …". */
export const NAME_RULE = 'has 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-"';

/** Reports whether a text may be the name of a token. */
export function isTokenName(text: string): boolean {
  return NAME.test(text);
}

/** Returns a new random token. */
export function newToken(): string {
  return PREFIX + randomBytes(RANDOM_BYTES).toString('base64url');
}

/** Returns the SHA-256 of a token. A token is random, so it needs no slow hash. */
export function hashToken(token: string): Buffer {
  // Node.js takes three times as long for a hash in a buffer of its own (2.6 µs).
  return Buffer.from(hash('sha256', token, 'hex'), 'hex');
}

/** Returns the token with this SHA-256, which has 32 bytes. The time that it takes does not tell which one fits. */
export function findToken<T extends ApiToken>(tokens: readonly T[], sha256: Buffer): T | undefined {
  let found: T | undefined;
  for (const token of tokens) if (timingSafeEqual(sha256, token.sha256)) found = token;
  return found;
}

/** Returns a token as an entry that {@link parseApiTokens} reads. */
export function formatApiToken({ name, role, sha256 }: ApiToken): string {
  return `${name}:${role}:${sha256.toString('hex')}`;
}

/** Reads entries of the form `name:role:sha256`, separated by commas or white space. Returns every problem. */
export function parseApiTokens(text: string): ParsedTokens {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  const parsed = entries.map(parseEntry);
  const tokens = parsed.flatMap((result) => (typeof result === 'string' ? [] : [result]));
  const problems = parsed.flatMap((result) => (typeof result === 'string' ? [result] : []));
  if (entries.length === 0) problems.push('holds no token: "callhooks token" makes one');
  return { tokens, problems: [...problems, ...repeatedNames(tokens), ...repeatedTokens(tokens)] };
}

// An entry is not shown: somebody may have put the token itself there.
function parseEntry(entry: string, index: number): ApiToken | string {
  const nth = `entry ${index + 1}`;
  const [name = '', role = '', sha256 = '', ...more] = entry.split(':');
  if (role === '' || more.length > 0) return `${nth} is not name:role:sha256 ("callhooks token" prints it)`;
  if (!isTokenName(name)) return `${nth} has a bad name: a name ${NAME_RULE}`;
  if (!isRole(role)) return `${nth} (${name}) has no role of ${ROLES.join(', ')}`;
  if (!SHA256.test(sha256)) return `${nth} (${name}) does not end with a SHA-256 in 64 hex digits`;
  return { name, role, sha256: Buffer.from(sha256, 'hex') };
}

// Log lines name a token, so that a name must stand for one token.
function repeatedNames(tokens: readonly ApiToken[]): string[] {
  const repeated = tokens.filter((token, at) => tokens.findIndex(({ name }) => name === token.name) < at);
  return [...new Set(repeated.map(({ name }) => `the name ${name} is given twice`))];
}

function repeatedTokens(tokens: readonly ApiToken[]): string[] {
  return tokens.flatMap((token, at) => {
    const earlier = tokens
      .slice(0, at)
      .find(({ name, sha256 }) => name !== token.name && sha256.equals(token.sha256));
    return earlier === undefined ? [] : [`${earlier.name} and ${token.name} are the same token`];
  });
}
