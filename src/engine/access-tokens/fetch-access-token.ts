import { readErrorCode, readTokenAnswer } from '../../domain/auth/token-answer.ts';
import { toTokenRequest, type ClientCredentials } from '../../domain/auth/token-request.ts';
import { failureOf, type Failure } from '../../domain/failures.ts';
import type { HttpExecutor, ReceivedResponse, SendResult } from '../../http/http-client.ts';
import type { ByteBudget } from '../limits/byte-budget.ts';
import type { RequestSlots } from '../limits/request-slots.ts';

/** What a token endpoint gave: an access token and how long it is good for, or the failure of the calls that need it. */
export type FetchedToken =
  | { readonly value: string; readonly lifetimeMs: number }
  | { readonly failure: Failure };

/** How a fetch went, for the metrics. `refused`: the status is not 2xx; `failed`: there is no answer, or no token in it. */
export type TokenFetchOutcome = 'fetched' | 'refused' | 'failed';

/** What fetching access tokens needs. */
export interface FetchAccessTokenDeps {
  readonly executor: Pick<HttpExecutor, 'send'>;
  /** The slots of token endpoints. They are not those of webhooks, which the calls that wait for a token may hold. */
  readonly slots: Pick<RequestSlots, 'take'>;
  readonly budget: Pick<ByteBudget, 'reserve'>;
  readonly userAgent: string;
  readonly onTokenFetch: (outcome: TokenFetchOutcome) => void;
  /** Aborted when the grace of a shutdown is over. */
  readonly signal: AbortSignal;
}

const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_REFUSAL_BYTES = 4 * 1024;
// The calls that wait for the token have deadlines of their own.
const FETCH_LIMIT_MS = 10_000;

/**
 * Asks a token endpoint once for an access token, within 10 s. The message of a failure has the status and the error code
 * of the answer, and nothing else of it. The code is AUTH, or SHUTDOWN when the process ends.
 */
export async function fetchAccessToken(
  deps: FetchAccessTokenDeps,
  credentials: ClientCredentials,
): Promise<FetchedToken> {
  const slot = deps.slots.take(new URL(credentials.tokenUrl).origin);
  if (typeof slot === 'string') {
    deps.onTokenFetch('failed');
    return noToken('too many requests to it are under way');
  }
  try {
    const { outcome, fetched } = readResult(await send(deps, credentials));
    deps.onTokenFetch(outcome);
    return fetched;
  } finally {
    slot.release();
  }
}

async function send(deps: FetchAccessTokenDeps, credentials: ClientCredentials): Promise<SendResult> {
  const { body, ...request } = toTokenRequest(credentials, deps.userAgent);
  const reservation = deps.budget.reserve(0);
  try {
    return await deps.executor.send(
      { ...request, body: Buffer.from(body) },
      {
        expiresAtMs: performance.now() + FETCH_LIMIT_MS,
        read: 'whole',
        maxBodyBytes: MAX_ANSWER_BYTES,
        recordBytes: MAX_REFUSAL_BYTES,
        signal: deps.signal,
        reserveBytes: (bytes) => reservation?.grow(bytes) ?? false,
      },
    );
  } finally {
    reservation?.release();
  }
}

interface Result {
  readonly outcome: TokenFetchOutcome;
  readonly fetched: FetchedToken;
}

function readResult({ failure, response }: SendResult): Result {
  if (failure === undefined) return response ? readToken(response) : failed('it gave no answer');
  const { code, message } = failure;
  if (code === 'SHUTDOWN') return { outcome: 'failed', fetched: { failure: { ...failure, sent: 'no' } } };
  if (code === 'RESPONSE_TOO_LARGE') return failed('its answer is larger than 64 KiB');
  if (response === undefined || (code !== 'HTTP_STATUS' && code !== 'REDIRECT')) return failed(message);
  const reason = code === 'REDIRECT' ? message : refusalText(response);
  return { outcome: 'refused', fetched: noToken(reason) };
}

function failed(reason: string): Result {
  return { outcome: 'failed', fetched: noToken(reason) };
}

function readToken(response: ReceivedResponse): Result {
  const read = readTokenAnswer(response);
  return read.ok ? { outcome: 'fetched', fetched: read } : failed(`its answer ${read.problem}`);
}

function refusalText(response: ReceivedResponse): string {
  const code = response.truncated ? undefined : readErrorCode(response);
  return code === undefined ? `it answered ${response.status}` : `it answered ${response.status}, ${code}`;
}

function noToken(reason: string): { readonly failure: Failure } {
  return { failure: failureOf('AUTH', `the token endpoint gave no access token: ${reason}`) };
}
