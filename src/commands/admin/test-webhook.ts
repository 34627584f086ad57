import { decideCall, type Decision } from '../../domain/call-decision.ts';
import { preCallTimeLimit } from '../../domain/pre-call-time-limit.ts';
import type { Admission } from '../../engine/limits/admission.ts';
import type { CallGate } from '../../engine/limits/call-gate.ts';
import type { ByteReservation } from '../../engine/limits/byte-budget.ts';
import {
  unsent,
  type PreparedRun,
  type WebhookRun,
  type WebhookRuns,
} from '../../engine/webhook-run/webhook-run.ts';
import type { RequestSlots } from '../../engine/limits/request-slots.ts';
import type { ExecutionStore } from '../../store/execution-store.ts';
import type { AuditLine } from './change-agent.ts';
import { findTrial, type FindTrialDeps, type Trial } from './webhook-under-test.ts';
import { deadlineTooShort, refuseChaining } from '../refusals.ts';
import type { RequestContext } from '../request-context.ts';
import type { CallDecision, CallDetails } from '../../domain/call.ts';
import type { MissedAssignment, RequestRecord, ResponseRecord, Timings } from '../../domain/execution.ts';
import type { Failure } from '../../domain/failures.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { WebhookType } from '../../domain/agent.ts';
import type { WebhookConfigDraft } from '../../domain/webhook-draft.ts';
import { limitReached, type Violation } from '../../errors.ts';

/**
 * A webhook to try out: the stored one (`webhookUuid`, or `agentUuid` with `webhookType`), or `configDraft` in its
 * place. `configDraft` is unchecked: whoever knows the agent's variables and secrets checks it.
 */
export interface TestWebhookRequest {
  readonly webhookUuid?: string | undefined;
  readonly agentUuid?: string | undefined;
  readonly webhookType?: WebhookType | undefined;
  readonly configDraft?: WebhookConfigDraft | undefined;
  /** Absent: one is made for this test. */
  readonly conversationUuid?: string | undefined;
  readonly details: CallDetails;
  /** False: only rendered. */
  readonly send: boolean;
  /** What parsing found wrong (the fields concerned are absent): to be reported with all that the command finds. */
  readonly violations: readonly Violation[];
}

/** What the test came to, secrets masked. A failure of the endpoint is a value. */
export interface TestWebhookReply {
  readonly request?: RequestRecord;
  readonly response?: ResponseRecord;
  readonly failure?: Failure;
  readonly timings?: Timings;
  readonly assignedVariables?: JsonObject;
  readonly missingVariables: readonly string[];
  readonly missedAssignments: readonly MissedAssignment[];
  /** Pre-call only. */
  readonly decision?: CallDecision;
  readonly degraded: boolean;
}

/** What a test needs. */
export interface TestWebhookDeps extends FindTrialDeps {
  readonly store: Pick<ExecutionStore, 'isSending'>;
  readonly admission: Admission;
  readonly gate: Pick<CallGate, 'isOverloaded'>;
  readonly slots: RequestSlots;
  readonly webhookRuns: WebhookRuns;
  readonly audit: (line: AuditLine) => void;
  readonly signal: AbortSignal;
}

/** Recorded bodies of a test are longer than those of executions: somebody is looking at them. */
const RECORD_BYTES = 64 * 1024;

/** Runs a webhook on trial: nothing is recorded, and a sent request says `callhooks-test: true`. */
export async function testWebhook(
  deps: TestWebhookDeps,
  request: TestWebhookRequest,
  context: RequestContext,
): Promise<TestWebhookReply> {
  const reservation = deps.admission.admitStart(context.requestBytes);
  try {
    if (request.send) {
      if (deps.gate.isOverloaded()) throw limitReached('too many writes wait for the database');
      await refuseChaining(deps.store, context);
    }
    const trial = await findTrial(deps, request);
    const prepared = prepare(deps, request, context, trial);
    if (!request.send) return toReply(unsentTest(prepared));
    const run = await send(deps, context, trial, prepared, reservation);
    return toReply(run, decisionOf(trial, run));
  } finally {
    reservation.release();
  }
}

function prepare(
  { webhookRuns, newUuid }: TestWebhookDeps,
  request: TestWebhookRequest,
  context: RequestContext,
  { agent, runnable, variables }: Trial,
): PreparedRun {
  return webhookRuns.prepare({
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

function unsentTest({ rendered }: PreparedRun): WebhookRun {
  const { failure, ...parts } = unsent(rendered, rendered.failure ?? NOT_SENT);
  return rendered.failure === undefined ? parts : { ...parts, ...(failure ? { failure } : {}) };
}

const NOT_SENT = { code: 'INTERNAL', message: 'not sent', sent: 'no' } as const;

async function send(
  deps: TestWebhookDeps,
  context: RequestContext,
  { agent, webhook, runnable }: Trial,
  prepared: PreparedRun,
  reservation: ByteReservation,
): Promise<WebhookRun> {
  const limit = preCallTimeLimit({
    timeoutSecs: webhook.config.responseTimeoutSecs,
    remainingMs: context.deadlineAtMs === undefined ? undefined : context.deadlineAtMs - performance.now(),
  });
  if (limit === 'too_short') throw deadlineTooShort();
  if (!reservation.grow(prepared.rendered.request?.body?.length ?? 0)) {
    throw limitReached('too many bytes are held for calls in flight');
  }
  const slot = deps.slots.take(runnable.origin);
  if (typeof slot === 'string') throw limitReached('too many requests are in flight');
  deps.audit({
    action: 'TestWebhook',
    agentUuid: agent.agentUuid,
    webhookUuid: webhook.webhookUuid,
    origin: runnable.origin,
    secretNames: Object.keys(runnable.secrets),
  });
  try {
    const expiresAtMs = performance.now() + limit.limitMs;
    return await deps.webhookRuns.send(prepared, { expiresAtMs, reservation, signal: deps.signal });
  } finally {
    slot.release();
  }
}

function decisionOf({ webhook }: Trial, { failure }: WebhookRun): Decision | undefined {
  return decideCall({ state: failure ? 'failed' : 'succeeded', failurePolicy: webhook.config.failurePolicy });
}

function toReply(run: WebhookRun, decided?: Decision): TestWebhookReply {
  const { failure, request, response, timings, missingVariables, missedAssignments, assigned } = run;
  return {
    ...(request ? { request } : {}),
    ...(response ? { response } : {}),
    ...(failure ? { failure } : {}),
    timings,
    assignedVariables: assigned,
    missingVariables,
    missedAssignments,
    ...(decided ? { decision: decided.decision } : {}),
    degraded: decided?.degraded ?? false,
  };
}
