import type { Agent, Webhook } from '../../domain/agent.ts';
import type { StartVariables } from '../../domain/call.ts';
import { observedFailure } from '../../domain/failures.ts';
import { preCallTimeLimit, type PreCallTimeLimit } from '../../domain/pre-call-time-limit.ts';
import type { ByteReservation } from '../../engine/limits/byte-budget.ts';
import type { RequestSlot, SlotRefusal, RequestSlots } from '../../engine/limits/request-slots.ts';
import { waitForRecord, type ClaimedStart, type LostClaim, type PreCalls } from '../../engine/pre-call.ts';
import type { RunnableWebhook } from '../../engine/webhook-run/runnable-webhook.ts';
import {
  afterQueue,
  OUR_BUG,
  unsentRun,
  type RenderedRun,
  type WebhookRun,
  type WebhookRuns,
} from '../../engine/webhook-run/webhook-run.ts';
import { tooManyBytes } from '../../errors.ts';
import type { RecordedStart } from '../../store/execution-store.ts';
import type { NewStart } from '../../store/write-batch.ts';
import { deadlineTooShort } from '../refusals.ts';
import type { RequestContext } from '../request-context.ts';
import { answerByMs } from './answer-by.ts';
import type { OnCallStartRequest } from './on-call-start.ts';

/** A start that is not on record yet: the request with all that was found for it. */
export interface FirstStart {
  readonly request: OnCallStartRequest;
  readonly context: RequestContext;
  readonly agent: Agent;
  readonly variables: StartVariables;
  readonly reservation: ByteReservation;
}

/** What running a pre-call webhook needs. */
export interface RunPreCallDeps {
  readonly newUuid: () => string;
  readonly instance: string;
  readonly slots: RequestSlots;
  readonly preCalls: PreCalls;
  readonly webhookRuns: WebhookRuns;
  readonly open: (agent: Agent, webhook: Webhook) => RunnableWebhook;
  readonly recordBytes: number;
  /** Aborted when the grace of a shutdown is over. */
  readonly signal: AbortSignal;
  readonly onError: (error: unknown, executionUuid?: string) => void;
}

/**
 * Runs the pre-call webhook of a start: render, reserve, claim, send, record.
 * @throws CallhooksError DEADLINE_TOO_SHORT, LIMIT_REACHED, KEY_UNAVAILABLE, DATABASE_UNAVAILABLE, OUTCOME_NOT_RECORDED
 */
export async function runPreCall(
  deps: RunPreCallDeps,
  start: FirstStart,
  webhook: Webhook,
): Promise<RecordedStart | LostClaim> {
  const runnable = deps.open(start.agent, webhook);
  const limit = timeLimitOf(start, webhook);
  const row = newStart(deps, start, claimedWebhook(webhook, limit));
  const rendered = render(deps, start, runnable, row.executionUuid);
  keepRendered(start, row, rendered);
  const claimed = await claim(deps, start, row);
  if ('kind' in claimed) return claimed;
  // From here on the run outlives its RPC, which may be answered before the outcome is on record.
  const running = start.reservation.retain();
  const slot = deps.slots.take(runnable.origin);
  const run = await send(deps, start, rendered, slot, limit);
  const recording = deps.preCalls.record(claimed, run, start.context).finally(() => {
    if (typeof slot === 'object') slot.release();
    running.release();
  });
  return waitForRecord(recording, answerByMs(start.context));
}

// The limit is that of the call's arrival. The deadline is checked once more: some of it may be gone before the claim.
function timeLimitOf({ context }: FirstStart, { config }: Webhook): PreCallTimeLimit {
  const limitAt = (atMs: number): PreCallTimeLimit | 'too_short' =>
    preCallTimeLimit({
      timeoutSecs: config.responseTimeoutSecs,
      remainingMs: context.deadlineAtMs === undefined ? undefined : context.deadlineAtMs - atMs,
    });
  const limit = limitAt(context.admittedAtMs);
  if (limit === 'too_short' || limitAt(performance.now()) === 'too_short') throw deadlineTooShort();
  return limit;
}

/** Returns the row of a start. Without a webhook it only keeps the call's variables. */
export function newStart(
  { newUuid, instance }: RunPreCallDeps,
  { request: { agentUuid, conversationUuid }, variables }: FirstStart,
  webhook?: NewStart['webhook'],
): NewStart {
  return {
    executionUuid: newUuid(),
    ...{ agentUuid, conversationUuid, instance },
    ...(webhook && { webhook }),
    startJson: JSON.stringify(variables),
  };
}

function claimedWebhook(
  { webhookUuid, etag, config }: Webhook,
  { limitMs, source }: PreCallTimeLimit,
): NewStart['webhook'] {
  return {
    webhookUuid,
    webhookEtag: etag,
    failurePolicy: config.failurePolicy ?? 'proceed',
    timeLimitMs: limitMs,
    timeLimitSource: source,
  };
}

function render(
  { webhookRuns, recordBytes }: RunPreCallDeps,
  { request: { agentUuid, conversationUuid, details }, context, variables }: FirstStart,
  runnable: RunnableWebhook,
  executionUuid: string,
): RenderedRun {
  return webhookRuns.render({
    ...{ runnable, agentUuid, conversationUuid, executionUuid, recordBytes, details },
    variables: variables.variables,
    traceparent: context.traceparent,
  });
}

/**
 * Lets go of the metadata, which may be most of the call's memory, and reserves what stays: the message as it came, the
 * variables (decoded and as JSON) and the rendered body.
 * @throws CallhooksError LIMIT_REACHED
 */
function keepRendered(
  { request, context, reservation }: FirstStart,
  { startJson }: NewStart,
  { result }: RenderedRun,
): void {
  request.details = { ...request.details, metadata: {} };
  reservation.resize(context.messageBytes + 2 * startJson.length);
  if (!reservation.grow(result.request?.body?.length ?? 0)) throw tooManyBytes();
  context.signal.throwIfAborted();
}

/** Claims a start by inserting its row. The call no longer waits for its claim then, whatever came of it. */
export async function claim(
  { preCalls }: RunPreCallDeps,
  { context, variables }: FirstStart,
  row: NewStart,
): Promise<ClaimedStart | LostClaim> {
  try {
    return await preCalls.claim(row, variables, {
      admittedAtMs: context.admittedAtMs,
      answerByMs: answerByMs(context),
      isCancelled: () => context.signal.aborted,
    });
  } finally {
    context.arrival.decided();
  }
}

async function send(
  { webhookRuns, signal, onError }: RunPreCallDeps,
  { context, reservation }: FirstStart,
  rendered: RenderedRun,
  slot: RequestSlot | SlotRefusal,
  limit: PreCallTimeLimit,
): Promise<WebhookRun> {
  // A full origin is an outcome of the execution: repeats of recorded starts take no slot from others.
  if (typeof slot === 'string') return unsentRun(rendered.result, rendered.result.failure ?? ORIGIN_IS_BUSY);
  const queuedMs = performance.now() - context.admittedAtMs;
  const expiresAtMs = context.admittedAtMs + limit.limitMs;
  try {
    return afterQueue(await webhookRuns.send(rendered, { expiresAtMs, reservation, slot, signal }), queuedMs);
  } catch (error) {
    onError(error);
    return OUR_BUG;
  }
}

const ORIGIN_IS_BUSY = observedFailure(
  'OVERLOADED',
  'no',
  'too many pre-calls are in flight to this origin (CALLHOOKS_MAX_PRE_CALLS_PER_ORIGIN)',
);
