import type { WebhookType } from '../../domain/agent.ts';
import { tokenOriginOf } from '../../domain/auth/endpoint-auth.ts';
import { decideCall, partsOfDecision } from '../../domain/call-decision.ts';
import type { CallDecision, CallDetails, StoredDecision } from '../../domain/call.ts';
import type { MissedAssignment, RequestRecord, ResponseRecord, Timings } from '../../domain/execution.ts';
import type { Failure } from '../../domain/failures.ts';
import type { JsonObject } from '../../domain/json.ts';
import { preCallTimeLimit } from '../../domain/pre-call-time-limit.ts';
import type { WebhookConfigDraft } from '../../domain/webhook-draft.ts';
import type { Admission } from '../../engine/limits/admission.ts';
import type { ByteReservation } from '../../engine/limits/byte-budget.ts';
import type { CallGate } from '../../engine/limits/call-gate.ts';
import type { RequestSlots } from '../../engine/limits/request-slots.ts';
import {
  unsentRun,
  type RenderedRun,
  type WebhookRun,
  type WebhookRuns,
} from '../../engine/webhook-run/webhook-run.ts';
import { limitReached, tooManyBytes, type Violation } from '../../errors.ts';
import type { ExecutionStore } from '../../store/execution-store.ts';
import { deadlineTooShort, refuseChaining } from '../refusals.ts';
import type { RequestContext } from '../request-context.ts';
import type { Audit } from './audit-log.ts';
import { findWebhookUnderTest, type FindWebhookDeps, type WebhookUnderTest } from './webhook-under-test.ts';

/** A test of a webhook. `violations` is what parsing found wrong: the command reports it with all that it finds. */
export type TestWebhookRequest = (StoredWebhookName | UnsavedWebhook) & {
  /** Without one, the test makes one for itself. */
  readonly conversationUuid?: string | undefined;
  readonly details: CallDetails;
  /** Says whether the request is sent after it was rendered. */
  readonly send: boolean;
  readonly violations: readonly Violation[];
};

/** Names a stored webhook. `configDraft`, unchecked, stands for its configuration. */
interface StoredWebhookName {
  readonly webhookUuid: string;
  /** If given, the agent that the webhook must belong to. */
  readonly agentUuid?: string | undefined;
  /** If given, the type that the webhook must have. */
  readonly webhookType?: WebhookType | undefined;
  readonly configDraft?: WebhookConfigDraft | undefined;
}

/** Describes a webhook of an agent that need not be stored. `configDraft` is unchecked. */
interface UnsavedWebhook {
  readonly webhookUuid: undefined;
  readonly agentUuid: string;
  readonly webhookType: WebhookType;
  readonly configDraft: WebhookConfigDraft;
}

/** The result of a test, with secrets masked. A failure of the endpoint is a value. */
export interface TestWebhookReply {
  readonly request?: RequestRecord;
  readonly response?: ResponseRecord;
  readonly failure?: Failure;
  readonly timings?: Timings;
  readonly assignedVariables?: JsonObject;
  readonly missingVariables: readonly string[];
  readonly missedAssignments: readonly MissedAssignment[];
  /** Is set for a pre-call webhook that was sent. */
  readonly decision: CallDecision | undefined;
  readonly degraded: boolean;
  readonly rejected: boolean;
  readonly rejectReason: string;
}

/** What a test of a webhook needs. */
interface TestWebhookDeps extends FindWebhookDeps {
  readonly store: Pick<ExecutionStore, 'isSending'>;
  readonly admission: Admission;
  readonly gate: Pick<CallGate, 'isOverloaded'>;
  readonly slots: RequestSlots;
  readonly webhookRuns: WebhookRuns;
  readonly audit: Audit;
  readonly signal: AbortSignal;
}

// A test shows more of a body than an execution records: a person reads it.
const RECORD_BYTES = 64 * 1024;

/**
 * Renders a webhook, and sends it if that is asked for. No execution is made, and a sent request carries the header
 * `callhooks-test: true`.
 * @throws CallhooksError SHUTTING_DOWN, LIMIT_REACHED, WEBHOOK_CHAINING, VALIDATION_FAILED, AGENT_NOT_FOUND,
 *   WEBHOOK_NOT_FOUND, KEY_UNAVAILABLE, DEADLINE_TOO_SHORT
 */
export async function testWebhook(
  deps: TestWebhookDeps,
  request: TestWebhookRequest,
  context: RequestContext,
): Promise<TestWebhookReply> {
  const reservation = deps.admission.admitStart(context.memoryBytes);
  try {
    if (request.send) {
      if (deps.gate.isOverloaded()) throw limitReached('too many writes wait for the database');
      await refuseChaining(deps.store, context);
    }
    const underTest = await findWebhookUnderTest(deps, request);
    const rendered = render(deps, request, context, underTest);
    if (!request.send) return toReply(unsentRun(rendered.result, rendered.result.failure));
    const run = await send(deps, context, underTest, rendered, reservation);
    return toReply(run, decideCall(underTest.webhook.config.failurePolicy, run));
  } finally {
    reservation.release();
  }
}

function render(
  { webhookRuns, newUuid }: TestWebhookDeps,
  request: TestWebhookRequest,
  context: RequestContext,
  { agent, runnable, variables }: WebhookUnderTest,
): RenderedRun {
  return webhookRuns.render({
    ...{ runnable, variables },
    agentUuid: agent.agentUuid,
    conversationUuid: request.conversationUuid ?? newUuid(),
    details: request.details,
    executionUuid: newUuid(),
    traceparent: context.traceparent,
    isTest: true,
    recordBytes: RECORD_BYTES,
  });
}

async function send(
  deps: TestWebhookDeps,
  context: RequestContext,
  { agent, webhook, runnable }: WebhookUnderTest,
  rendered: RenderedRun,
  reservation: ByteReservation,
): Promise<WebhookRun> {
  const limit = preCallTimeLimit({
    timeoutSecs: webhook.config.responseTimeoutSecs,
    remainingMs: context.deadlineAtMs === undefined ? undefined : context.deadlineAtMs - performance.now(),
  });
  if (limit === 'too_short') throw deadlineTooShort();
  if (!reservation.grow(rendered.result.request?.body?.length ?? 0)) throw tooManyBytes();
  const slot = deps.slots.take(runnable.origin);
  if (typeof slot === 'string') throw limitReached('too many requests are in flight');
  const line = {
    action: 'TestWebhook',
    agentUuid: agent.agentUuid,
    webhookUuid: webhook.webhookUuid,
    origin: runnable.origin,
    tokenOrigin: tokenOriginOf(webhook.config.apiSchema.auth),
    secretNames: Object.keys(runnable.secrets),
  };
  deps.audit(line, context.caller);
  try {
    const expiresAtMs = performance.now() + limit.limitMs;
    return await deps.webhookRuns.send(rendered, { expiresAtMs, reservation, slot, signal: deps.signal });
  } finally {
    slot.release();
  }
}

function toReply(run: WebhookRun, decided?: StoredDecision): TestWebhookReply {
  const { failure, request, response, timings, missingVariables, missedAssignments, assigned } = run;
  return {
    ...(request ? { request } : {}),
    ...(response ? { response } : {}),
    ...(failure ? { failure } : {}),
    timings,
    assignedVariables: assigned,
    missingVariables,
    missedAssignments,
    ...partsOfDecision(decided),
    rejectReason: run.rejection?.reason ?? '',
  };
}
