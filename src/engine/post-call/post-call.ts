import type { Agent, Webhook } from '../../domain/agent.ts';
import type { StoredCallDetails } from '../../domain/call.ts';
import { failureOf, observedFailure } from '../../domain/failures.ts';
import { postCallVariables } from '../../domain/variables.ts';
import { CallhooksError, isDatabaseError } from '../../errors.ts';
import type { PendingPostCall } from '../../store/execution-store.ts';
import type { ClaimedDetails } from '../../store/write-batch.ts';
import type { AgentCache } from '../agent-cache.ts';
import type { EngineTracing } from '../engine-tracing.ts';
import type { OnFaultPoint } from '../fault-points.ts';
import { recordAndLog, toOutcome, type OnExecution } from '../webhook-run/outcome.ts';
import type { RunnableWebhook } from '../webhook-run/runnable-webhook.ts';
import type { Place } from './post-call-places.ts';
import { OUR_BUG, unsentRun, type WebhookRun, type WebhookRuns } from '../webhook-run/webhook-run.ts';
import type { ExecutionWrites } from '../writes/execution-writes.ts';
import { retryWrite } from '../writes/retry-write.ts';

/** What sending one post-call needs. */
export interface PostCallDeps {
  readonly writes: ExecutionWrites;
  readonly agents: AgentCache;
  readonly open: (agent: Agent, webhook: Webhook) => RunnableWebhook;
  readonly webhookRuns: WebhookRuns;
  readonly instance: string;
  readonly recordBytes: number;
  readonly onFaultPoint: OnFaultPoint;
  readonly onError: (error: unknown, executionUuid?: string) => void;
  readonly onExecution: OnExecution;
  /** There is none where traces are off. */
  readonly tracing?: Pick<EngineTracing, 'startPostCall' | 'apart'> | undefined;
  /** Aborted when the grace of a shutdown is over. */
  readonly signal: AbortSignal;
  /** Aborted when the process ends: an outcome that the database does not take then is only logged. */
  readonly lastWrites: AbortSignal;
}

/** A pending post-call with its agent and webhook as they were known before the claim. */
export interface SendablePostCall {
  readonly postCall: PendingPostCall;
  /** The token of its claim. */
  readonly claim: string;
  readonly agent: Agent;
  readonly webhook: Webhook;
}

const NOTHING_RENDERED = { missingVariables: [] };

/**
 * Claims a pending post-call and sends it once. The caller has taken its place, a slot and room for its body.
 * Resolves when the outcome is recorded, or at once when another replica has claimed it. `start_running`: it was not
 * claimed, because the pre-call of the conversation is still being sent.
 */
export async function sendPostCall(
  deps: PostCallDeps,
  sendable: SendablePostCall,
  place: Place,
): Promise<'done' | 'start_running'> {
  const { postCall, claim, webhook } = sendable;
  const timeLimitMs = webhook.config.responseTimeoutSecs * 1000;
  deps.onFaultPoint('post_call.unclaimed', postCall.conversationUuid);
  const { executionUuid } = postCall;
  const { instance, signal } = deps;
  const startedAtMs = performance.now();
  const claimed = await retryWrite(
    () =>
      deps.writes.claimPostCall({ executionUuid, claim, webhookEtag: webhook.etag, timeLimitMs, instance }),
    { signal },
  );
  if (claimed.kind === 'start_running') return claimed.kind;
  if (claimed.kind === 'won')
    await sendTraced(deps, { ...sendable, timeLimitMs, place, claimed }, startedAtMs);
  return 'done';
}

/** A post-call that this process has claimed, with what the claim has read, and its place until it is recorded. */
interface ClaimedPostCall extends SendablePostCall {
  readonly timeLimitMs: number;
  readonly place: Place;
  readonly claimed: ClaimedDetails;
}

async function sendTraced(deps: PostCallDeps, sendable: ClaimedPostCall, startedAtMs: number): Promise<void> {
  const { details } = sendable.claimed;
  const span = deps.tracing?.startPostCall(details?.traceparent, startedAtMs);
  if (span === undefined) return sendClaimed(deps, sendable, details?.traceparent);
  try {
    await span.run(() => sendClaimed(deps, sendable, span.traceparent));
  } finally {
    span.end();
  }
}

async function sendClaimed(
  deps: PostCallDeps,
  sendable: ClaimedPostCall,
  traceparent: string | undefined,
): Promise<void> {
  const { postCall, claim } = sendable;
  const claimedAtMs = performance.now();
  deps.onFaultPoint('post_call.claimed', postCall.conversationUuid);
  const { run, webhookEtag = sendable.webhook.etag } = await perform(deps, sendable, traceparent).catch(
    (error: unknown): Performed => {
      deps.onError(error, postCall.executionUuid);
      const isWaiting = isDatabaseError(error, 'away', 'busy', 'conflict', 'full');
      return { run: unsentRun(NOTHING_RENDERED, isWaiting ? STOPPED : observedFailure('INTERNAL', 'no')) };
    },
  );
  deps.onFaultPoint('post_call.answered', postCall.conversationUuid);
  const { executionUuid } = postCall;
  const outcome = toOutcome(
    { executionUuid, webhookType: 'post_call', failurePolicy: null, claim, webhookEtag, claimedAtMs },
    run,
  );
  await recordAndLog(deps, postCall, { traceparent }, outcome);
  deps.onFaultPoint('post_call.recorded', postCall.conversationUuid);
}

// Reads are repeated until the process ends.
const STOPPED = observedFailure(
  'SHUTDOWN',
  'no',
  'the process ended while the database was away, before the request began',
);

interface Performed {
  readonly run: WebhookRun;
  readonly webhookEtag?: string;
}

async function perform(
  deps: PostCallDeps,
  sendable: ClaimedPostCall,
  traceparent: string | undefined,
): Promise<Performed> {
  const agent = await currentAgent(deps, sendable);
  const webhook = agent?.webhooks.find(({ webhookUuid }) => webhookUuid === sendable.postCall.webhookUuid);
  if (agent === undefined || webhook === undefined || webhook.disabled)
    return { run: unsentRun(NOTHING_RENDERED, failureOf('WEBHOOK_REMOVED')) };
  const { details } = sendable.claimed;
  if (details === undefined) throw new Error('a claimed post-call has no details');
  const run = await runWith(deps, sendable, agent, webhook, { ...details, traceparent });
  return { run, webhookEtag: webhook.etag };
}

// The claim has read the agent's etag. If it is the known one, the known agent is the current one.
async function currentAgent(
  deps: PostCallDeps,
  { agent, postCall, claimed }: ClaimedPostCall,
): Promise<Agent | undefined> {
  if (claimed.agentEtag === undefined) return undefined;
  if (claimed.agentEtag === agent.etag) return agent;
  return retryWrite(() => deps.agents.readFresh(postCall.agentUuid), { signal: deps.signal });
}

async function runWith(
  deps: PostCallDeps,
  { postCall, timeLimitMs, place: { slot, reservation }, claimed: { start, detailsLength } }: ClaimedPostCall,
  agent: Agent,
  webhook: Webhook,
  details: StoredCallDetails,
): Promise<WebhookRun> {
  const runnable = openOrUndefined(deps, agent, webhook);
  if (runnable === undefined) return unsentRun(NOTHING_RENDERED, KEY_GONE);
  deps.onFaultPoint('post_call.rendering', postCall.conversationUuid);
  const rendered = deps.webhookRuns.render({
    runnable,
    agentUuid: postCall.agentUuid,
    conversationUuid: postCall.conversationUuid,
    details: { ...details, callerPhone: details.callerPhone || (start?.callerPhone ?? '') },
    variables: postCallVariables(agent.dynamicVariables, start, details.dynamicVariables).variables,
    executionUuid: postCall.executionUuid,
    traceparent: details.traceparent,
    recordBytes: deps.recordBytes,
  });
  reservation.resize(detailsLength + (rendered.result.request?.body?.length ?? 0));
  const expiresAtMs = performance.now() + timeLimitMs;
  const sending = deps.webhookRuns.send(rendered, {
    ...{ expiresAtMs, reservation, slot },
    signal: deps.signal,
  });
  return sending.catch((error: unknown) => {
    deps.onError(error, postCall.executionUuid);
    return OUR_BUG;
  });
}

function openOrUndefined(deps: PostCallDeps, agent: Agent, webhook: Webhook): RunnableWebhook | undefined {
  try {
    return deps.open(agent, webhook);
  } catch (error) {
    if (error instanceof CallhooksError && error.reason === 'KEY_UNAVAILABLE') return undefined;
    throw error;
  }
}

const KEY_GONE = observedFailure(
  'INTERNAL',
  'no',
  'the key of a secret was taken from this replica between the claim and the request',
);
