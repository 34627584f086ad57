import { setTimeout as wait } from 'node:timers/promises';
import type { ClientCredentials } from '../../domain/auth/token-request.ts';
import { failureOf, type Failure } from '../../domain/failures.ts';
import { createMasker, type Masker } from '../../domain/redaction/redact.ts';
import type { FetchedToken } from './fetch-access-token.ts';
import { createTokensByAgent } from './tokens-by-agent.ts';

/** An access token that is kept in memory. It is never stored and never logged. */
export interface AccessToken {
  readonly value: string;
  /** The hash of the credentials that it was fetched with. */
  readonly key: string;
  /** Masks the token in a text. */
  readonly mask: Masker;
  /** Instants of the monotonic clock, in milliseconds: from when it is renewed, and until when it is used. */
  readonly renewAtMs: number;
  readonly usedUntilMs: number;
}

/** Whose access token it is: those of one revision of a webhook are used for that revision alone. */
export interface TokenOwner {
  readonly agentUuid: string;
  readonly webhookEtag: string;
}

/** Keeps the access tokens of this replica, and fetches each of them once for all calls that need it. */
export interface AccessTokens {
  /**
   * Returns a valid access token at once, or waits for the one that is being fetched until `expiresAtMs`. A token that
   * is near its end is used and renewed in the background.
   */
  get(
    owner: TokenOwner,
    credentials: ClientCredentials,
    expiresAtMs: number,
  ): Promise<AccessToken | { readonly failure: Failure }>;
  /** Forgets a token that an endpoint answered with 401. A newer one for the same credentials stays. */
  drop(token: AccessToken): void;
  /**
   * Returns what masks all tokens that are kept for an agent, or undefined when there are none. An endpoint may return the
   * token of one webhook in a variable that another webhook sends.
   */
  maskOf(agentUuid: string): Masker | undefined;
}

/** What the access tokens need, and their bounds. */
export interface AccessTokensDeps {
  readonly fetch: (credentials: ClientCredentials) => Promise<FetchedToken>;
  /** Returns a hash, from which a text can't be read back. */
  readonly hash: (text: string) => string;
  readonly onError: (error: unknown) => void;
  /** Returns the monotonic clock: `performance.now()`, another one in tests. */
  readonly nowMs?: () => number;
  /** For how many credentials tokens are kept: 4,096, fewer in tests. */
  readonly maxKept?: number;
  /** For how many credentials of one agent tokens are kept: 256, fewer in tests. */
  readonly maxKeptPerAgent?: number;
}

const MAX_KEPT = 4_096;
// Credentials may come from a variable, and then each call may bring new ones. Each new token makes the masker of its agent
// anew, which takes 3 ms with 256 tokens and 50 ms with 4,096. An agent must not push out the tokens of all others either.
const MAX_KEPT_PER_AGENT = 256;
const RENEW_BEFORE_MS = 60_000;
// A request takes its time, and the clock of the endpoint may be ahead.
const UNUSED_MS = 5_000;
// Two fetches for the same credentials begin at least this long after each other, so that a dead token endpoint, or a
// webhook that answers 401 to every token, leads to two requests a second and not to one for each call. No failure is
// kept: a call that comes in the pause waits for the next fetch.
const PAUSE_MS = 500;

/** The token of one client, and the fetch that is under way. */
interface Entry {
  readonly key: string;
  readonly agentUuid: string;
  token?: AccessToken | undefined;
  /** How the last fetch failed, if it did. */
  failure?: Failure | undefined;
  fetching?: Promise<AccessToken | { readonly failure: Failure }> | undefined;
  fetchedAtMs: number;
}

/** Makes the access tokens. The ones that were used longest ago are forgotten first. */
export function createAccessTokens(deps: AccessTokensDeps): AccessTokens {
  const { fetch, hash, onError, nowMs = () => performance.now() } = deps;
  const { maxKept = MAX_KEPT, maxKeptPerAgent = MAX_KEPT_PER_AGENT } = deps;
  const entries = new Map<string, Entry>();
  const byAgent = createTokensByAgent();

  const keep = (entry: Entry, token: AccessToken | undefined): void => {
    if (entry.token !== undefined) byAgent.remove(entry.agentUuid, entry.token);
    entry.token = token;
    // A fetch may end after its entry was forgotten.
    if (token !== undefined && entries.get(entry.key) === entry) byAgent.add(entry.agentUuid, token);
  };
  const forgetOldest = (among: readonly Entry[], max: number): void => {
    for (const oldest of among.slice(0, Math.max(0, among.length - max))) {
      entries.delete(oldest.key);
      keep(oldest, undefined);
    }
  };
  const entryOf = (key: string, agentUuid: string): Entry => {
    const known = entries.get(key);
    const entry = known ?? { key, agentUuid, fetchedAtMs: -Infinity };
    entries.delete(key);
    entries.set(key, entry);
    if (known !== undefined) return entry;
    const ofAgent = Array.from(entries.values()).filter((each) => each.agentUuid === agentUuid);
    forgetOldest(ofAgent, maxKeptPerAgent);
    if (entries.size > maxKept) forgetOldest(Array.from(entries.values()), maxKept);
    return entry;
  };
  const fetchInto = async (entry: Entry, credentials: ClientCredentials) => {
    try {
      const pauseMs = entry.fetchedAtMs + PAUSE_MS - nowMs();
      if (pauseMs > 0) await wait(pauseMs);
      entry.fetchedAtMs = nowMs();
      const fetched = await fetch(credentials);
      entry.failure = 'failure' in fetched ? fetched.failure : undefined;
      if ('failure' in fetched) return fetched;
      // The life is counted from the request on: the token was issued after that.
      const token = toToken(entry.key, fetched, entry.fetchedAtMs);
      keep(entry, token);
      return token;
    } finally {
      entry.fetching = undefined;
    }
  };

  return {
    get: async (owner, credentials, expiresAtMs) => {
      const key = hash(JSON.stringify([owner.agentUuid, owner.webhookEtag, credentials]));
      const entry = entryOf(key, owner.agentUuid);
      const { token } = entry;
      if (token === undefined || nowMs() >= token.usedUntilMs) {
        entry.fetching ??= fetchInto(entry, credentials);
        return within(entry.fetching, expiresAtMs, () => ({ failure: tooLate(entry) }));
      }
      if (nowMs() >= token.renewAtMs && entry.fetching === undefined) {
        entry.fetching = fetchInto(entry, credentials);
        entry.fetching.catch(onError);
      }
      return token;
    },
    drop: (token) => {
      const entry = entries.get(token.key);
      if (entry?.token === token) keep(entry, undefined);
    },
    maskOf: byAgent.maskOf,
  };
}

// A token with a short life is renewed in the second half of it, and not used in the last tenth.
function toToken(
  key: string,
  { value, lifetimeMs }: { readonly value: string; readonly lifetimeMs: number },
  fetchedAtMs: number,
): AccessToken {
  const expiresAtMs = fetchedAtMs + lifetimeMs;
  return {
    value,
    key,
    mask: createMasker([value], []),
    renewAtMs: expiresAtMs - Math.min(RENEW_BEFORE_MS, lifetimeMs / 2),
    usedUntilMs: expiresAtMs - Math.min(UNUSED_MS, lifetimeMs / 10),
  };
}

// The time of a call may end in the pause, before the token endpoint was asked for it. Then the answer before tells why.
function tooLate({ failure }: Entry): Failure {
  return failure === undefined
    ? failureOf('AUTH', 'the token endpoint gave no access token within the time limit of the call')
    : failureOf('AUTH', `${failure.message}; the time limit of the call ended before its next answer`);
}

// Each call leaves at its own deadline. The fetch goes on for the others.
async function within<T>(fetching: Promise<T>, expiresAtMs: number, onLate: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    // After a stall of the event loop an expired timer runs before an answer that has long arrived, so it waits for one
    // more turn.
    const lastTurn = (): void => void setImmediate(() => resolve(onLate()));
    timer = setTimeout(lastTurn, Math.max(0, expiresAtMs - performance.now()));
  });
  try {
    return await Promise.race([fetching, late]);
  } finally {
    clearTimeout(timer);
  }
}
