import { preCallTimeLimit } from '../domain/time-limit.ts';
import { createScope } from '../domain/scope.ts';
import type { Agent, Failure, StartVariables, Webhook } from '../domain/types.ts';
import { mergeStart, variablesTooLarge } from '../domain/variables.ts';
import type { Admission } from '../engine/admission.ts';
import { limitReached } from '../engine/admission.ts';
import type { AgentCache } from '../engine/agent-cache.ts';
import type { HeldBytes } from '../engine/byte-budget.ts';
import type { DatabaseHealth } from '../engine/database-health.ts';
import { afterQueue, unsent, type Exchange, type Exchanges, type Rendered } from '../engine/exchange.ts';
import type { NotOurs, PreCalls } from '../engine/pre-calls.ts';
import type { ReadyWebhook } from '../engine/ready-webhook.ts';
import type { Slot, Slots } from '../engine/slots.ts';
import { CallhooksError, validationFailed } from '../errors.ts';
import type { ExecutionStore, NewStart, RecordedStart } from '../store/types.ts';
import { agentNotFound, conversationPurged, refuseChaining, refuseOtherAgent } from './lifecycle-refusals.ts';
import { answerByMs, replayStart, toStartReply, type ReplayDeps } from './replay-start.ts';
import type { CallScope, OnCallStartReply, OnCallStartRequest } from './types.ts';

/** What a start needs. */
export interface OnCallStartDeps extends ReplayDeps {
  readonly store: ExecutionStore;
  readonly agents: AgentCache;
  readonly admission: Admission;
  readonly health: DatabaseHealth;
  readonly slots: Slots;
  readonly preCalls: PreCalls;
  readonly exchanges: Exchanges;
  readonly open: (agent: Agent, webhook: Webhook) => ReadyWebhook;
  readonly newUuid: () => string;
  readonly instance: string;
  readonly recordBytes: number;
  /** Aborted when the grace of a shutdown is over. */
  readonly signal: AbortSignal;
}

/** A start under way: the request with all that was found for it. */
interface Start {
  readonly request: OnCallStartRequest;
  readonly scope: CallScope;
  readonly agent: Agent;
  readonly variables: StartVariables;
  readonly held: HeldBytes;
}

/** Runs the pre-call webhook once and says what to do with the call; a repeat is answered from the record. */
export const createOnCallStart =
  (deps: OnCallStartDeps) =>
  async (request: OnCallStartRequest, scope: CallScope): Promise<OnCallStartReply> => {
    const held = deps.admission.admitStart(scope.requestBytes);
    try {
      deps.health.assertThere();
      await refuseChaining(deps.store, scope);
      const rows = await deps.store.findConversation(request.conversationUuid);
      refuseOtherAgent(rows, request.agentUuid);
      if (rows.some(({ webhookType }) => webhookType === 'pre_call'))
        return await replayStart(deps, request, scope);
      return await firstStart(deps, request, scope, held);
    } finally {
      held.release();
    }
  };

const firstStart = async (
  deps: OnCallStartDeps,
  request: OnCallStartRequest,
  scope: CallScope,
  held: HeldBytes,
): Promise<OnCallStartReply> => {
  const agent = await deps.agents.read(request.agentUuid);
  if (agent === undefined) throw await notFoundOrPurged(deps, request);
  const variables = {
    callerPhone: request.callerPhone,
    ...mergeStart(agent.dynamicVariables, request.dynamicVariables),
  };
  const violation = variablesTooLarge(variables.variables);
  if (violation !== undefined)
    throw validationFailed([{ field: 'dynamic_variables', description: violation }]);
  const start: Start = { request, scope, agent, variables, held };
  const webhook = agent.webhooks.find(({ webhookType, disabled }) => webhookType === 'pre_call' && !disabled);
  const result = webhook ? await runWebhook(deps, start, webhook) : await keepStart(deps, start);
  if (!('kind' in result)) return toStartReply(result, false);
  if (result.kind === 'purged') throw conversationPurged(request.conversationUuid);
  return replayStart(deps, request, scope);
};

const notFoundOrPurged = async (
  deps: OnCallStartDeps,
  { agentUuid, conversationUuid }: OnCallStartRequest,
): Promise<CallhooksError> =>
  (await isPurged(deps, conversationUuid)) ? conversationPurged(conversationUuid) : agentNotFound(agentUuid);

// For starts that insert no row: an insert learns of the key by itself.
const isPurged = async ({ store }: OnCallStartDeps, conversationUuid: string): Promise<boolean> =>
  (await store.findStart(conversationUuid)) === 'purged';

// Without an enabled pre-call webhook the variables are kept for the end of the call; an agent without any webhook has
// no use for them.
const keepStart = async (
  deps: OnCallStartDeps,
  start: Start,
): Promise<(Partial<RecordedStart> & Kept) | NotOurs> => {
  if (start.agent.webhooks.length === 0) {
    return (await isPurged(deps, start.request.conversationUuid))
      ? { kind: 'purged' }
      : { start: start.variables };
  }
  refuseWhenGone(start.scope);
  return deps.preCalls.keep(toRow(deps, start), rowBytes(start));
};

type Kept = { readonly start: StartVariables };

const runWebhook = async (
  deps: OnCallStartDeps,
  start: Start,
  webhook: Webhook,
): Promise<RecordedStart | NotOurs> => {
  const { scope, held } = start;
  const ready = deps.open(start.agent, webhook);
  const limit = preCallTimeLimit(timeLeft(webhook, scope, scope.admittedAtMs));
  if (
    limit === 'too_short' ||
    preCallTimeLimit(timeLeft(webhook, scope, performance.now())) === 'too_short'
  ) {
    throw new CallhooksError('DEADLINE_TOO_SHORT', 'the deadline leaves less than 100 ms; nothing was sent');
  }
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

const toRow = (
  deps: OnCallStartDeps,
  { request, variables }: Start,
  webhook?: NewStart['webhook'],
): NewStart => ({
  executionUuid: deps.newUuid(),
  agentUuid: request.agentUuid,
  conversationUuid: request.conversationUuid,
  ...(webhook ? { webhook } : {}),
  instance: deps.instance,
  start: variables,
});

// The row holds the agent's defaults too, of which the message says nothing: 200 such rows in one statement would break
// the connection.
const rowBytes = ({ variables }: Start): number => JSON.stringify(variables).length;

const render = (
  deps: OnCallStartDeps,
  start: Start,
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

// A caller who is gone before the claim leaves nothing behind.
const refuseWhenGone = ({ signal }: CallScope, slot?: Slot): void => {
  if (!signal.aborted) return;
  slot?.release();
  throw new CallhooksError('DEADLINE_TOO_SHORT', 'the caller went away before the claim; nothing was sent');
};

const perform = async (
  deps: OnCallStartDeps,
  { variables, held, scope }: Start,
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
