import { assign } from '../domain/assignments.ts';
import { hiddenValues } from '../domain/hidden-values.ts';
import { createMasker, type Masker } from '../domain/mask.ts';
import { readResponse } from '../domain/read-response.ts';
import { RECORD_MARGIN_BYTES, recordRequest, recordResponse } from '../domain/record.ts';
import { maskedRender, renderRequest } from '../domain/render-request.ts';
import type { Scope } from '../domain/scope.ts';
import type {
  Failure,
  JsonObject,
  MissedAssignment,
  RequestRecord,
  ResponseRecord,
  Timings,
  VariableSource,
} from '../domain/types.ts';
import type { HttpExecutor, OutgoingRequest, ReceivedResponse } from '../http/types.ts';
import type { HeldBytes } from './byte-budget.ts';
import type { ReadyWebhook } from './ready-webhook.ts';
import { childTraceparent } from './trace-context.ts';

/** What came of one run of a webhook: without `failure` it succeeded. */
export interface Exchange {
  readonly failure?: Failure;
  readonly timings: Timings;
  readonly missingVariables: readonly string[];
  readonly missedAssignments: readonly MissedAssignment[];
  readonly request?: RequestRecord;
  readonly response?: ResponseRecord;
  readonly assigned: JsonObject;
  readonly assignedSources: Readonly<Record<string, VariableSource>>;
}

/** A rendered request with its masked record, or why there is none. */
export interface Rendered {
  readonly request?: OutgoingRequest;
  readonly record?: RequestRecord;
  readonly failure?: Failure;
  /** Masks everything secret of this request in a text. */
  readonly mask: Masker;
  readonly missingVariables: readonly string[];
}

/** What renders a request: the webhook, the call's values and what marks this run. */
export interface RenderInput {
  readonly ready: ReadyWebhook;
  readonly scope: Scope;
  readonly executionUuid: string;
  readonly traceparent?: string | undefined;
  readonly isTest?: boolean;
  readonly recordBytes: number;
}

/** What sends it: `variables` are those before assignments, `held` the bytes of this call. */
export interface SendInput {
  readonly ready: ReadyWebhook;
  readonly rendered: Rendered;
  readonly variables: JsonObject;
  readonly expiresAtMs: number;
  readonly recordBytes: number;
  readonly held: HeldBytes;
  readonly signal: AbortSignal;
}

/** Runs webhooks: rendering is pure, sending happens at most once per call of `send`. */
export interface Exchanges {
  render(input: RenderInput): Rendered;
  send(input: SendInput): Promise<Exchange>;
}

/** What an exchange needs from outside. */
export interface ExchangeDeps {
  readonly executor: HttpExecutor;
  readonly sign: (message: {
    id: string;
    timestampSecs: number;
    body: string;
    secrets: readonly string[];
  }) => string;
  readonly newSpanId: () => string;
  readonly now: () => number;
  readonly userAgent: string;
  readonly maxResponseBytes: number;
  readonly sendTraceparent: boolean;
}

/** The exchange that ends without a byte sent, for a reason known beforehand. */
export const unsent = (
  rendered: Pick<Rendered, 'record' | 'missingVariables'>,
  failure: Failure,
): Exchange => ({
  failure,
  timings: {},
  missingVariables: rendered.missingVariables,
  missedAssignments: [],
  ...(rendered.record ? { request: rendered.record } : {}),
  assigned: {},
  assignedSources: {},
});

/** The exchange in which we failed ourselves, so that nobody knows whether the endpoint saw the request. */
export const OUR_BUG: Exchange = unsent(
  { missingVariables: [] },
  { code: 'INTERNAL', message: 'internal error; the log has its cause', sent: 'maybe' },
);

/** The same exchange with the milliseconds that it waited before it began; they count in its total. */
export const afterQueue = (exchange: Exchange, queuedMs: number): Exchange => {
  const { totalMs } = exchange.timings;
  if (totalMs === undefined) return exchange;
  return { ...exchange, timings: { ...exchange.timings, queuedMs, totalMs: queuedMs + totalMs } };
};

/** Makes the exchanges. */
export const createExchanges = (deps: ExchangeDeps): Exchanges => ({
  render: (input) => render(deps, input),
  send: (input) => send(deps, input),
});

const render = (deps: ExchangeDeps, input: RenderInput): Rendered => {
  const { ready, scope, recordBytes } = input;
  const result = renderRequest(ready.compiled, scope);
  const secrets = Object.values(ready.secrets);
  if (!result.ok) {
    return { failure: result.failure, mask: createMasker(secrets, []), missingVariables: result.missing };
  }
  const { method, url, headers, body } = result.request;
  const own = ownHeaders(deps, input, body ?? '');
  const mask = createMasker(secrets, hiddenValues(result.request));
  const masked = maskedRender(ready.compiled, scope, result.request);
  return {
    request: {
      method,
      url,
      headers: { ...overridable(deps, input), ...headers, ...own },
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    },
    record: recordRequest(
      { ...masked, headers: { ...overridable(deps, input), ...masked.headers, ...own } },
      recordBytes,
      mask,
    ),
    mask,
    missingVariables: result.missing,
  };
};

const overridable = (deps: ExchangeDeps, { executionUuid }: RenderInput): Record<string, string> => ({
  'user-agent': deps.userAgent,
  'idempotency-key': executionUuid,
});

const ownHeaders = (deps: ExchangeDeps, input: RenderInput, body: string): Record<string, string> => {
  const { executionUuid, isTest } = input;
  const traceparent = deps.sendTraceparent
    ? childTraceparent(input.traceparent, deps.newSpanId())
    : undefined;
  return {
    'accept-encoding': 'identity',
    'callhooks-execution': executionUuid,
    baggage: `callhooks.execution=${executionUuid}`,
    ...(traceparent ? { traceparent } : {}),
    ...(isTest ? { 'callhooks-test': 'true' } : {}),
    ...signatureHeaders(deps, input, body),
  };
};

// Standard Webhooks 1.0: the signature covers id, timestamp and body; one per secret, so that secrets can rotate.
const signatureHeaders = (deps: ExchangeDeps, input: RenderInput, body: string): Record<string, string> => {
  const { ready, executionUuid } = input;
  const names = ready.webhook.config.signingSecretNames;
  if (names.length === 0) return {};
  const timestampSecs = Math.floor(deps.now() / 1000);
  const secrets = names.map((name) => ready.secrets[name] ?? '').filter((secret) => secret !== '');
  return {
    'webhook-id': executionUuid,
    'webhook-timestamp': String(timestampSecs),
    'webhook-signature': deps.sign({ id: executionUuid, timestampSecs, body, secrets }),
  };
};

const send = async (deps: ExchangeDeps, input: SendInput): Promise<Exchange> => {
  const { ready, rendered, recordBytes, held, signal, expiresAtMs } = input;
  if (rendered.request === undefined) return unsent(rendered, rendered.failure ?? noRequest);
  const needsBody = ready.webhook.config.assignments.length > 0;
  const result = await deps.executor.send(rendered.request, {
    expiresAtMs,
    read: needsBody ? 'whole' : 'record',
    maxBodyBytes: deps.maxResponseBytes,
    recordBytes: recordBytes === 0 ? 0 : recordBytes + RECORD_MARGIN_BYTES,
    signal,
    reserveBytes: held.reserve,
  });
  const failure = result.failure && { ...result.failure, message: rendered.mask(result.failure.message) };
  const { response } = result;
  const read = failure || !response ? { failure } : assignFrom(input, response);
  return {
    ...unsentParts(rendered),
    ...(read.failure ? { failure: read.failure } : {}),
    timings: result.timings,
    missedAssignments: read.missed ?? [],
    ...(response ? { response: recordResponse(response, rendered.mask, recordBytes) } : {}),
    assigned: read.assigned ?? {},
    assignedSources: read.sources ?? {},
  };
};

const noRequest: Failure = { code: 'INTERNAL', message: 'nothing was rendered', sent: 'no' };

const unsentParts = (rendered: Rendered) => ({
  missingVariables: rendered.missingVariables,
  ...(rendered.record ? { request: rendered.record } : {}),
});

interface Read {
  readonly failure?: Failure | undefined;
  readonly missed?: readonly MissedAssignment[];
  readonly assigned?: JsonObject;
  readonly sources?: Readonly<Record<string, VariableSource>>;
}

const assignFrom = ({ ready, variables }: SendInput, response: ReceivedResponse): Read => {
  const rules = ready.webhook.config.assignments;
  if (rules.length === 0) return {};
  const body = readResponse(response);
  if (!body.ok) return { failure: { code: 'INVALID_RESPONSE', message: body.message, sent: 'yes' } };
  const result = assign(rules, body.value, variables);
  return result.ok ? result : { failure: result.failure, missed: result.missed };
};
