import { valuesToRedact } from '../../domain/redaction/values-to-redact.ts';
import { createMasker, joinMaskers, MASK, type Masker } from '../../domain/redaction/redact.ts';
import { toRequestRecord } from '../../domain/redaction/redacted-record.ts';
import { maskedRender, renderRequest, type RenderedRequest } from '../../domain/template/render-request.ts';
import type { PlaceholderValues } from '../../domain/template/render-template.ts';
import { readTraceparent, withSpanId } from '../../domain/trace-context.ts';
import type { ClientCredentials } from '../../domain/auth/token-request.ts';
import type { Failure } from '../../domain/failures.ts';
import type { RequestRecord } from '../../domain/execution.ts';
import type { OutgoingRequest } from '../../http/http-client.ts';
import type { AccessToken } from '../access-tokens/access-tokens.ts';
import type { RunnableWebhook } from './runnable-webhook.ts';
import { signRequest, type SignatureDeps, type Signatures } from './signatures.ts';

/** A rendered and signed request with its masked record, or the failure of rendering it. */
export interface RenderResult {
  readonly request?: OutgoingRequest;
  /** The OAuth2 client whose access token the request still needs. */
  readonly client?: ClientCredentials;
  readonly record?: RequestRecord;
  readonly failure?: Failure;
  /** Masks everything in a text that is secret in this request. */
  readonly mask: Masker;
  readonly missingVariables: readonly string[];
}

/** What a request is rendered from. */
export interface RenderInput {
  readonly runnable: RunnableWebhook;
  readonly values: PlaceholderValues;
  readonly executionUuid: string;
  /** The W3C trace context of the span that the request belongs to. */
  readonly traceparent?: string | undefined;
  readonly isTest?: boolean;
  readonly recordBytes: number;
  /** Masks the access tokens of the agent, if there are any. */
  readonly maskTokens?: Masker | undefined;
}

/** What rendering needs from outside. */
export interface RenderDeps extends SignatureDeps {
  /** Makes the id of the span that the request is, 16 lower-case hex digits. */
  readonly newSpanId: () => string;
  readonly userAgent: string;
  readonly sendTraceparent: boolean;
}

/** Renders a request, adds the headers of callhooks, signs it, and makes the masked record of it. */
export function renderSignedRequest(deps: RenderDeps, input: RenderInput): RenderResult {
  const { runnable, values, recordBytes } = input;
  const result = renderRequest(runnable.compiled, values);
  if (!result.ok) return { failure: result.failure, mask: runnable.mask, missingVariables: result.missing };
  const { method, url, headers, body, client } = result.request;
  const signed = signRequest(deps, runnable, input.executionUuid, body ?? '');
  if ('failure' in signed)
    return { failure: signed.failure, mask: runnable.mask, missingVariables: result.missing };
  const own = { ...ownHeaders(deps, input), ...signed.headers };
  const maskSecrets = maskerOf(runnable, result.request, signed);
  const mask = input.maskTokens === undefined ? maskSecrets : joinMaskers(input.maskTokens, maskSecrets);
  const masked = maskedRender(runnable.compiled, values, result.request);
  return {
    request: {
      method,
      url,
      headers: { ...overridable(deps, input), ...headers, ...own },
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
      clientIdentity: runnable.clientIdentity,
    },
    record: toRequestRecord(
      {
        ...masked,
        headers: { ...overridable(deps, input), ...masked.headers, ...own, ...maskedHmac(signed) },
      },
      recordBytes,
      mask,
    ),
    mask,
    missingVariables: result.missing,
    ...(client === undefined ? {} : { client }),
  };
}

/** Returns a rendered request with the access token in it. It is masked in everything that is recorded from now on. */
export function withAccessToken(rendered: RenderResult, { value, mask }: AccessToken): RenderResult {
  const { request } = rendered;
  if (request === undefined) return rendered;
  return {
    ...rendered,
    request: { ...request, headers: { ...request.headers, authorization: `Bearer ${value}` } },
    mask: joinMaskers(mask, rendered.mask),
  };
}

function maskerOf(runnable: RunnableWebhook, request: RenderedRequest, { hmac }: Signatures): Masker {
  return runnable.redactsCallValues || hmac !== undefined
    ? createMasker(runnable.secretValues, [
        ...valuesToRedact(runnable.compiled, request),
        ...(hmac?.values ?? []),
        ...runnable.otherHeaderValues,
      ])
    : runnable.mask;
}

function maskedHmac({ hmac }: Signatures): Record<string, string> {
  return hmac === undefined ? {} : { [hmac.header]: MASK };
}

// Firewalls in front of endpoints ask for an `accept`, and frameworks answer with HTML or XML without one.
function overridable(deps: RenderDeps, { executionUuid }: RenderInput): Record<string, string> {
  return {
    'user-agent': deps.userAgent,
    accept: 'application/json, */*;q=0.5',
    'idempotency-key': executionUuid,
  };
}

function ownHeaders(deps: RenderDeps, input: RenderInput): Record<string, string> {
  const { executionUuid, isTest } = input;
  // A post-call may have been accepted by an older release, which stored the header as it came.
  const parent = deps.sendTraceparent ? readTraceparent(input.traceparent) : undefined;
  return {
    'accept-encoding': 'identity',
    'callhooks-execution': executionUuid,
    baggage: `callhooks.execution=${executionUuid}`,
    ...(parent === undefined ? {} : { traceparent: withSpanId(parent, deps.newSpanId()) }),
    ...(isTest ? { 'callhooks-test': 'true' } : {}),
  };
}
