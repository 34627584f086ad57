import { MASK } from '../../domain/redaction/redact.ts';
import { RECORD_MARGIN_BYTES, toResponseRecord } from '../../domain/redaction/redacted-record.ts';
import { createPlaceholderValues } from '../../domain/template/render-template.ts';
import type { ClientCredentials } from '../../domain/auth/token-request.ts';
import type { CallDetails, VariableSource } from '../../domain/call.ts';
import { observedFailure, type Failure } from '../../domain/failures.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Rejection } from '../../domain/rejection/reject.ts';
import type { MissedAssignment, RequestRecord, ResponseRecord, Timings } from '../../domain/execution.ts';
import type { HttpExecutor } from '../../http/http-client.ts';
import type { AccessTokens } from '../access-tokens/access-tokens.ts';
import type { ByteReservation } from '../limits/byte-budget.ts';
import type { RequestSlot } from '../limits/request-slots.ts';
import { readOutcome } from './read-outcome.ts';
import type { RunnableWebhook } from './runnable-webhook.ts';
import {
  renderSignedRequest,
  withAccessToken,
  type RenderDeps,
  type RenderResult,
} from './signed-request.ts';

/** How one run of a webhook went. Without `failure` it succeeded. */
export interface WebhookRun {
  readonly failure?: Failure;
  /** Set when the endpoint has rejected the call. */
  readonly rejection?: Rejection;
  readonly timings: Timings;
  readonly missingVariables: readonly string[];
  readonly missedAssignments: readonly MissedAssignment[];
  readonly request?: RequestRecord;
  readonly response?: ResponseRecord;
  readonly assigned: JsonObject;
  readonly assignedSources: Readonly<Record<string, VariableSource>>;
}

/** What one run of a webhook for one call needs. */
export interface RunInput {
  readonly runnable: RunnableWebhook;
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly details: CallDetails;
  /** The call's variables before assignments. */
  readonly variables: JsonObject;
  readonly executionUuid: string;
  readonly traceparent?: string | undefined;
  readonly isTest?: boolean;
  readonly recordBytes: number;
}

/** A run whose request is rendered and not sent yet. The call's details are not needed any more. */
export interface RenderedRun {
  readonly runnable: RunnableWebhook;
  readonly result: RenderResult;
  readonly variables: JsonObject;
  readonly recordBytes: number;
}

/** How a rendered run is sent. `reservation` is that of its call, and `slot` its right to be under way. */
export interface RunOptions {
  /** Instant of `performance.now()`. */
  readonly expiresAtMs: number;
  readonly reservation: ByteReservation;
  readonly slot: RequestSlot;
  readonly signal: AbortSignal;
}

/** Runs webhooks: of pre-calls, post-calls and tests. */
export interface WebhookRuns {
  /** Renders the request of a run. It uses the clock and makes ids, and has no other effect. */
  render(input: RunInput): RenderedRun;
  /** Sends a rendered run at most once, and reads the response. */
  send(run: RenderedRun, options: RunOptions): Promise<WebhookRun>;
}

/** What runs need from outside. */
export interface WebhookRunDeps extends RenderDeps {
  readonly executor: HttpExecutor;
  readonly accessTokens: AccessTokens;
  readonly maxResponseBytes: number;
}

/** Returns the run of which no byte was sent: it failed before, or sending was not asked for. */
export function unsentRun(
  rendered: Pick<RenderResult, 'record' | 'missingVariables'>,
  failure: Failure | undefined,
): WebhookRun {
  return { ...beforeSending(rendered), ...(failure ? { failure } : {}), timings: {} };
}

/** The run in which callhooks itself failed. Nobody knows whether the endpoint saw the request. */
export const OUR_BUG: WebhookRun = unsentRun({ missingVariables: [] }, observedFailure('INTERNAL', 'maybe'));

/** Returns the run with the milliseconds that it waited before it began. They count in its total. */
export function afterQueue(run: WebhookRun, queuedMs: number): WebhookRun {
  const { totalMs } = run.timings;
  if (totalMs === undefined) return run;
  return { ...run, timings: { ...run.timings, queuedMs, totalMs: queuedMs + totalMs } };
}

/** Makes the runs. */
export function createWebhookRuns(deps: WebhookRunDeps): WebhookRuns {
  return { render: (input) => render(deps, input), send: (run, options) => send(deps, run, options) };
}

function render(deps: WebhookRunDeps, input: RunInput): RenderedRun {
  const { runnable, agentUuid, conversationUuid, details, variables, recordBytes } = input;
  const values = createPlaceholderValues({
    webhookType: runnable.webhook.webhookType,
    ...{ agentUuid, conversationUuid, details, variables },
    secrets: runnable.secrets,
  });
  const maskTokens = deps.accessTokens.maskOf(agentUuid);
  const result = renderSignedRequest(deps, { ...input, values, maskTokens });
  return { runnable, result, variables, recordBytes };
}

function send(deps: WebhookRunDeps, run: RenderedRun, options: RunOptions): Promise<WebhookRun> {
  const { client } = run.result;
  return client === undefined ? sendRequest(deps, run, options) : sendWithToken(deps, run, options, client);
}

// The token is got after the claim, so that a call that is never sent asks for none.
async function sendWithToken(
  deps: WebhookRunDeps,
  run: RenderedRun,
  options: RunOptions,
  client: ClientCredentials,
): Promise<WebhookRun> {
  const { result: rendered, runnable } = run;
  const { agentUuid, etag: webhookEtag } = runnable.webhook;
  const startedAtMs = performance.now();
  const token = await deps.accessTokens.get({ agentUuid, webhookEtag }, client, options.expiresAtMs);
  const waitedMs = performance.now() - startedAtMs;
  if ('failure' in token)
    return { ...unsentRun(rendered, masked(token.failure, rendered)), timings: { totalMs: waitedMs } };
  const sent = await sendRequest(deps, { ...run, result: withAccessToken(rendered, token) }, options);
  // Nothing is sent again. The next call gets a new token.
  if (sent.response?.status === 401) deps.accessTokens.drop(token);
  return { ...sent, timings: { ...sent.timings, totalMs: waitedMs + (sent.timings.totalMs ?? 0) } };
}

// An endpoint may redirect to a host that is named by a secret, and names of hosts are in lower case.
function masked(failure: Failure, { mask }: RenderResult, redirectHost?: string): Failure {
  const message = mask(failure.message);
  const isHostSecret = redirectHost !== undefined && mask.headerName?.(redirectHost) === MASK;
  return { ...failure, message: isHostSecret ? message.replaceAll(redirectHost, MASK) : message };
}

async function sendRequest(deps: WebhookRunDeps, run: RenderedRun, options: RunOptions): Promise<WebhookRun> {
  const { runnable, result: rendered, recordBytes } = run;
  if (rendered.request === undefined)
    return unsentRun(rendered, rendered.failure ?? observedFailure('INTERNAL', 'no'));
  const result = await deps.executor.send(rendered.request, {
    expiresAtMs: options.expiresAtMs,
    read: runnable.needsBody ? 'whole' : 'record',
    ...(runnable.rejection?.hasReason ? { readStatuses: runnable.rejection.statuses } : {}),
    maxBodyBytes: deps.maxResponseBytes,
    recordBytes: recordBytes === 0 ? 0 : recordBytes + RECORD_MARGIN_BYTES,
    signal: options.signal,
    reserveBytes: options.reservation.grow,
    redirects: runnable.redirects && { ...runnable.redirects, enterOrigin: options.slot.moveTo },
  });
  const { response } = result;
  const read = readOutcome(run, result);
  return {
    ...beforeSending(rendered),
    ...(read.failure
      ? { failure: masked(withHint(read.failure, runnable), rendered, result.redirectHost) }
      : {}),
    ...(read.rejection ? { rejection: read.rejection } : {}),
    timings: result.timings,
    missedAssignments: read.missed ?? [],
    ...(response ? { response: toResponseRecord(response, rendered.mask, recordBytes) } : {}),
    assigned: read.assigned ?? {},
    assignedSources: read.sources ?? {},
  };
}

function withHint(failure: Failure, { redirects }: RunnableWebhook): Failure {
  if (failure.code !== 'REDIRECT' || redirects !== undefined || !/^HTTP 30[123] /.test(failure.message))
    return failure;
  return { ...failure, message: `${failure.message} (max_redirects is 0)` };
}

function beforeSending({ record, missingVariables }: Pick<RenderResult, 'record' | 'missingVariables'>) {
  return {
    missingVariables,
    missedAssignments: [],
    ...(record ? { request: record } : {}),
    assigned: {},
    assignedSources: {},
  };
}
