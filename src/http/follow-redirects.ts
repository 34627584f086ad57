import { STATUS_CODES } from 'node:http';
import { failureOf, observedFailure, type Failure } from '../domain/failures.ts';
import type { HttpExchangeInput, HttpExchangeResult } from './client/http-exchange.ts';
import type { Destination, TimingsSoFar } from './dial/dial.ts';
import type { EgressPolicy } from './egress/egress-policy.ts';
import type { OutgoingRequest, RedirectOptions } from './http-client.ts';
import { redirectTarget } from './redirect-target.ts';

/** How one hop of a request ended. */
export interface HopResult extends HttpExchangeResult {
  /** The host of the redirect that the failure names. */
  readonly redirectHost?: string;
}

/** What following redirects needs. */
export interface FollowDeps {
  readonly policy: EgressPolicy;
  /** Sends one request to a target whose URL the policy allows. The addresses of the target are still checked. */
  readonly send: (target: Destination, input: HttpExchangeInput) => Promise<HopResult>;
  /** Returns names and values by turns. */
  readonly headerList: (headers: OutgoingRequest['headers']) => string[];
}

/** A hop that was sent. */
interface Hop {
  readonly url: string;
  readonly target: Destination;
  readonly headers: OutgoingRequest['headers'];
  readonly result: HopResult;
}

/** The failure of a redirect that was not followed, or that has no response of its own. */
type Refusal = HopResult & { readonly failure: Failure };

/**
 * Follows the redirects of a response, as many as the options allow, with GET and without a body (RFC 9110, 15.4). Each is
 * checked by the egress policy, and all share the deadline and the timings of the request. A failure says which redirect it
 * belongs to. The endpoint has seen the first request by then, so `sent` is `yes`.
 */
export async function followRedirects(
  deps: FollowDeps,
  first: { readonly target: Destination; readonly result: HopResult },
  input: HttpExchangeInput,
): Promise<HopResult> {
  const { url, headers } = input.request;
  const { redirects } = input.options;
  if (redirects === undefined) return first.result;
  let hop: Hop = { ...first, url, headers };
  for (let number = 1; hop.result.locations !== undefined; number += 1) {
    const name = `redirect ${number} of ${redirects.max}`;
    const next =
      number > redirects.max ? tooMany(hop, redirects) : await follow(deps, hop, input, name, redirects);
    if ('failure' in next) return atRedirect(hop, next);
    hop = next;
  }
  return hop.result;
}

async function follow(
  deps: FollowDeps,
  hop: Hop,
  input: HttpExchangeInput,
  name: string,
  redirects: RedirectOptions,
): Promise<Hop | Refusal> {
  const found = redirectTarget(hop.result.locations ?? [], hop.url);
  if ('problem' in found) return refused(hop, `${name} is not followed: ${found.problem}`);
  const { origin, host } = found.target;
  const place = { text: `${name}, to ${origin}`, redirectHost: host };
  const denial = deps.policy.checkUrl(found.url);
  if (denial !== undefined) return inHop({ failure: failureOf('EGRESS_DENIED', denial) }, place);
  if (origin !== hop.target.origin && !redirects.enterOrigin(origin)) return inHop({ failure: FULL }, place);
  const next = nextHop(hop, found, redirects);
  const { failure, ...result } = inHop(await sendHop(deps, next, input), place);
  if (failure === undefined) return { ...next, result };
  return result.response === undefined ? { ...result, failure } : { ...next, result: { ...result, failure } };
}

/** A hop that is not sent yet. */
type NextHop = Omit<Hop, 'result'>;

// Headers and the client certificate that prove who sends stay out from the first change of the origin on.
function nextHop(
  { target, headers }: Hop,
  found: { readonly url: string; readonly target: Destination },
  { firstOriginHeaders }: RedirectOptions,
): NextHop {
  if (found.target.origin !== target.origin)
    return { ...found, headers: headersOfHop(headers, firstOriginHeaders) };
  return {
    url: found.url,
    target: { ...target, path: found.target.path },
    headers: headersOfHop(headers, []),
  };
}

const FULL = observedFailure('OVERLOADED', 'yes', 'too many requests are in flight to this origin');

async function sendHop(
  { send, headerList }: FollowDeps,
  { url, target, headers }: NextHop,
  input: HttpExchangeInput,
): Promise<HopResult> {
  const timings: TimingsSoFar = {};
  const request = { method: 'GET', url, headers };
  const result = await send(target, { ...input, request, headers: headerList(headers), timings });
  for (const phase of ['dnsMs', 'connectMs', 'tlsMs', 'firstByteMs'] as const) {
    const ms = timings[phase];
    if (ms !== undefined) input.timings[phase] = (input.timings[phase] ?? 0) + ms;
  }
  return result;
}

function headersOfHop(
  headers: OutgoingRequest['headers'],
  without: readonly string[],
): OutgoingRequest['headers'] {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('content-') && !without.includes(name)),
  );
}

function inHop<Result extends HopResult>(
  result: Result,
  { text, redirectHost }: { readonly text: string; readonly redirectHost: string },
): Result {
  const { failure } = result;
  if (failure === undefined) return result;
  return {
    ...result,
    redirectHost,
    failure: { ...failure, sent: 'yes', message: `${text}: ${failure.message}` },
  };
}

// The redirect is the last response that there is, so it is the one on record.
function atRedirect({ result: { response } }: Hop, refusal: Refusal): HopResult {
  return response === undefined ? refusal : { response, ...refusal };
}

function tooMany(hop: Hop, { max }: RedirectOptions): Refusal {
  return refused(
    hop,
    `at most ${max} ${max === 1 ? 'redirect is' : 'redirects are'} followed (max_redirects)`,
  );
}

function refused({ result: { response } }: Hop, reason: string): Refusal {
  const status = response?.status ?? 0;
  const text = `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  return { failure: failureOf('REDIRECT', `${text}: ${reason}`) };
}
