import { createScope } from '../domain/scope.ts';
import { preCallTimeLimit } from '../domain/time-limit.ts';
import type { Agent, Failure, Webhook } from '../domain/types.ts';
import { limitReached } from '../engine/limits/admission.ts';
import { afterQueue, unsent, type Exchange, type Exchanges } from '../engine/webhook-run/webhook-run.ts';
import type { NotOurs, PreCalls } from '../engine/pre-call.ts';
import type { ReadyWebhook } from '../engine/webhook-run/runnable-webhook.ts';
import type { Rendered } from '../engine/webhook-run/signed-request.ts';
import type { Slot, Slots } from '../engine/limits/request-slots.ts';
import type { RecordedStart } from '../store/types.ts';
import { refuseWhenGone, rowBytes, toRow, type FirstStart, type RowDeps } from './first-start.ts';
import { deadlineTooShort } from './lifecycle-refusals.ts';
import { answerByMs } from './replay-start.ts';
import type { CallScope } from './types.ts';

/** What running a pre-call webhook needs. */
export interface RunPreCallDeps extends RowDeps {
  readonly slots: Slots;
  readonly preCalls: PreCalls;
  readonly exchanges: Exchanges;
  readonly open: (agent: Agent, webhook: Webhook) => ReadyWebhook;
  readonly recordBytes: number;
  /** Aborted when the grace of a shutdown is over. */
  readonly signal: AbortSignal;
}

/**
 * Runs the pre-call webhook of a start: limit, request and slot first, then the claim, then the exchange.
 * @throws CallhooksError DEADLINE_TOO_SHORT, LIMIT_REACHED, KEY_UNAVAILABLE, DATABASE_UNAVAILABLE, OUTCOME_NOT_RECORDED
 */
export const runPreCall = async (
  deps: RunPreCallDeps,
  start: FirstStart,
  webhook: Webhook,
): Promise<RecordedStart | NotOurs> => {
  const { scope, held } = start;
  const ready = deps.open(start.agent, webhook);
  const limit = preCallTimeLimit(timeLeft(webhook, scope, scope.admittedAtMs));
  const left = preCallTimeLimit(timeLeft(webhook, scope, performance.now()));
  if (limit === 'too_short' || left === 'too_short') throw deadlineTooShort();
  const row = toRow(deps, start, {
    webhookUuid: webhook.webhookUuid,
    webhookEtag: webhook.etag,
    failurePolicy: webhook.config.failurePolicy ?? 'proceed',
    timeLimitMs: limit.limitMs,
    timeLimitSource: limit.source,
  });
  const rendered = render(deps, start, ready, row.executionUuid);
  if (!held.reserve(rendered.request?.body?.length ?? 0))
    throw limitReached('too many bytes are held for calls in flight');
  const slot = takeSlot(deps.slots, ready.origin);
  refuseWhenGone(scope, slot);
  // The run outlives an RPC that is answered before its outcome is on record.
  const running = held.retain();
  return deps.preCalls.run({
    start: row,
    bytes: rowBytes(start),
    answerByMs: answerByMs(scope),
    perform: () => perform(deps, start, ready, rendered, slot, scope.admittedAtMs + limit.limitMs),
    onSettled: () => {
      slot?.release();
      running.release();
    },
  });
};

const timeLeft = (webhook: Webhook, { deadlineAtMs }: CallScope, atMs: number) => ({
  timeoutSecs: webhook.config.responseTimeoutSecs,
  remainingMs: deadlineAtMs === undefined ? undefined : deadlineAtMs - atMs,
});

const render = (
  deps: RunPreCallDeps,
  start: FirstStart,
  ready: ReadyWebhook,
  executionUuid: string,
): Rendered => {
  const { request, scope, variables } = start;
  const { agentUuid, conversationUuid, callerPhone, metadata, dynamicVariables } = request;
  return deps.exchanges.render({
    ready,
    scope: createScope({
      webhookType: 'pre_call',
      agentUuid,
      conversationUuid,
      facts: { callerPhone, metadata, dynamicVariables },
      variables: variables.variables,
      secrets: ready.secrets,
    }),
    executionUuid,
    traceparent: scope.traceparent,
    recordBytes: deps.recordBytes,
  });
};

// The global limit refuses the call before anything is recorded; an origin's is an outcome of the execution.
const takeSlot = (slots: Slots, origin: string): Slot | undefined => {
  const slot = slots.take(origin);
  if (slot === 'total') throw limitReached('too many pre-calls are in flight');
  return slot === 'origin' ? undefined : slot;
};

const perform = async (
  deps: RunPreCallDeps,
  { variables, held, scope }: FirstStart,
  ready: ReadyWebhook,
  rendered: Rendered,
  slot: Slot | undefined,
  expiresAtMs: number,
): Promise<Exchange> => {
  if (slot === undefined && rendered.request !== undefined) return unsent(rendered, ORIGIN_IS_BUSY);
  const { recordBytes, signal } = deps;
  const queuedMs = performance.now() - scope.admittedAtMs;
  const exchange = await deps.exchanges.send({
    ready,
    rendered,
    variables: variables.variables,
    expiresAtMs,
    recordBytes,
    held,
    signal,
  });
  return afterQueue(exchange, queuedMs);
};

const ORIGIN_IS_BUSY: Failure = {
  code: 'OVERLOADED',
  message: 'too many pre-calls are in flight to this origin',
  sent: 'no',
};
