import { decide, type Decision } from '../domain/decide.ts';
import { preCallTimeLimit } from '../domain/time-limit.ts';
import { createScope } from '../domain/scope.ts';
import type { Agent, JsonObject, Webhook, WebhookConfig, WebhookType } from '../domain/types.ts';
import { mergeEnd, mergeStart, variablesTooLarge } from '../domain/variables.ts';
import type { Admission } from '../engine/admission.ts';
import { limitReached } from '../engine/admission.ts';
import type { HeldBytes } from '../engine/byte-budget.ts';
import { unsent, type Exchange, type Exchanges, type Rendered } from '../engine/exchange.ts';
import type { ReadyWebhook } from '../engine/ready-webhook.ts';
import type { Slots } from '../engine/slots.ts';
import { CallhooksError, validationFailed, type Violation } from '../errors.ts';
import type { AgentStore, ExecutionStore } from '../store/types.ts';
import type { Keyring } from '../secrets/types.ts';
import type { AuditLine } from './admin-deps.ts';
import { webhookNotFound } from './admin-refusals.ts';
import { agentNotFound, refuseChaining } from './lifecycle-refusals.ts';
import { checkDraft, surroundingsOf } from './prepare-webhook.ts';
import type { CallScope, TestWebhookReply, TestWebhookRequest } from './types.ts';

/** What a test needs. */
export interface TestWebhookDeps {
  readonly store: Pick<ExecutionStore, 'isSending'>;
  readonly agents: Pick<AgentStore, 'findAgent' | 'findAgentOfWebhook'>;
  readonly keyring: Keyring;
  readonly admission: Admission;
  readonly slots: Slots;
  readonly exchanges: Exchanges;
  readonly open: (agent: Agent, webhook: Webhook) => ReadyWebhook;
  readonly newUuid: () => string;
  readonly judgeUrl: (url: string) => string | undefined;
  readonly audit: (line: AuditLine) => void;
  readonly signal: AbortSignal;
}

/** Recorded bodies of a test are longer than those of executions: somebody is looking at them. */
const RECORD_BYTES = 64 * 1024;

/** Runs a webhook on trial: nothing is recorded, and a sent request says `callhooks-test: true`. */
export const createTestWebhook =
  (deps: TestWebhookDeps) =>
  async (request: TestWebhookRequest, scope: CallScope): Promise<TestWebhookReply> => {
    const held = deps.admission.admitStart(scope.requestBytes);
    try {
      if (request.send) await refuseChaining(deps.store, scope);
      const trial = await findTrial(deps, request);
      const rendered = render(deps, request, scope, trial);
      if (!request.send) return toReply(unsentTest(rendered));
      const exchange = await send(deps, scope, trial, rendered, held);
      return toReply(exchange, decisionOf(trial, exchange));
    } finally {
      held.release();
    }
  };

/** What is tried: a stored webhook, or a draft in its place. */
interface Trial {
  readonly agent: Agent;
  readonly webhook: Webhook;
  readonly ready: ReadyWebhook;
  readonly variables: JsonObject;
}

const findTrial = async (deps: TestWebhookDeps, request: TestWebhookRequest): Promise<Trial> => {
  const agent = await findAgent(deps, request);
  const stored = agent?.webhooks.find((webhook) => isMeant(webhook, request));
  const webhookType = stored?.webhookType ?? request.webhookType;
  const checked = checkDraft(request.configDraft, webhookType, 'webhook_config', {
    ...surroundingsOf(deps, agent),
    stored: stored ?? (request.webhookUuid === undefined ? undefined : 'unknown'),
  });
  const violations = [...request.violations, ...otherType(request, stored), ...checked.violations];
  if (violations.length > 0) throw validationFailed(violations);
  if (agent === undefined || (request.webhookUuid !== undefined && stored === undefined))
    throw notFound(request, agent);
  const webhook =
    checked.config && webhookType ? draftOf(deps, agent, webhookType, checked.config, stored) : stored;
  if (webhook === undefined) throw notFound(request, agent);
  return {
    agent,
    webhook,
    ready: deps.open(agent, webhook),
    variables: variablesOf(request, agent, webhook),
  };
};

// Under the rules of the lifecycle request that the test stands for.
const variablesOf = (
  { facts: { dynamicVariables } }: TestWebhookRequest,
  agent: Agent,
  { webhookType }: Webhook,
): JsonObject => {
  if (webhookType === 'post_call')
    return mergeEnd(agent.dynamicVariables, undefined, dynamicVariables).variables;
  const { variables } = mergeStart(agent.dynamicVariables, dynamicVariables);
  const description = variablesTooLarge(variables);
  if (description !== undefined) throw validationFailed([{ field: 'dynamic_variables', description }]);
  return variables;
};

const otherType = ({ webhookType }: TestWebhookRequest, stored: Webhook | undefined): Violation[] =>
  stored === undefined || webhookType === undefined || webhookType === stored.webhookType
    ? []
    : [{ field: 'webhook_type', description: "must be the webhook's own, if it is set" }];

const findAgent = (deps: TestWebhookDeps, request: TestWebhookRequest): Promise<Agent | undefined> => {
  const { agentUuid, webhookUuid } = request;
  if (agentUuid !== undefined) return deps.agents.findAgent(agentUuid);
  return webhookUuid === undefined ? Promise.resolve(undefined) : deps.agents.findAgentOfWebhook(webhookUuid);
};

const isMeant = (webhook: Webhook, { webhookUuid, webhookType }: TestWebhookRequest): boolean =>
  webhookUuid === undefined ? webhook.webhookType === webhookType : webhook.webhookUuid === webhookUuid;

const notFound = (
  { agentUuid, webhookUuid, webhookType }: TestWebhookRequest,
  agent?: Agent,
): CallhooksError => {
  if (webhookUuid !== undefined) return webhookNotFound(webhookUuid);
  return agent === undefined
    ? agentNotFound(agentUuid ?? '')
    : webhookNotFound(`of type ${webhookType ?? ''}`);
};

// Its masked header values are those of the stored webhook; literal ones are used as they are and kept nowhere.
const draftOf = (
  deps: TestWebhookDeps,
  agent: Agent,
  webhookType: WebhookType,
  config: WebhookConfig,
  stored: Webhook | undefined,
): Webhook => ({
  webhookUuid: stored?.webhookUuid ?? deps.newUuid(),
  agentUuid: agent.agentUuid,
  webhookType,
  config,
  sealedHeaders: stored?.sealedHeaders ?? {},
  disabled: false,
  etag: '',
  createdAtMs: 0,
  updatedAtMs: 0,
});

const render = (
  deps: TestWebhookDeps,
  request: TestWebhookRequest,
  scope: CallScope,
  { agent, webhook, ready, variables }: Trial,
): Rendered =>
  deps.exchanges.render({
    ready,
    scope: createScope({
      webhookType: webhook.webhookType,
      agentUuid: agent.agentUuid,
      conversationUuid: request.conversationUuid ?? deps.newUuid(),
      facts: request.facts,
      variables,
      secrets: ready.secrets,
    }),
    executionUuid: deps.newUuid(),
    traceparent: scope.traceparent,
    isTest: true,
    recordBytes: RECORD_BYTES,
  });

const unsentTest = (rendered: Rendered): Exchange => {
  const { failure, ...parts } = unsent(rendered, rendered.failure ?? NOT_SENT);
  return rendered.failure === undefined ? parts : { ...parts, ...(failure ? { failure } : {}) };
};

const NOT_SENT = { code: 'INTERNAL', message: 'not sent', sent: 'no' } as const;

const send = async (
  deps: TestWebhookDeps,
  scope: CallScope,
  { agent, webhook, ready, variables }: Trial,
  rendered: Rendered,
  held: HeldBytes,
): Promise<Exchange> => {
  const limit = preCallTimeLimit({
    timeoutSecs: webhook.config.responseTimeoutSecs,
    remainingMs: scope.deadlineAtMs === undefined ? undefined : scope.deadlineAtMs - performance.now(),
  });
  if (limit === 'too_short') {
    throw new CallhooksError('DEADLINE_TOO_SHORT', 'the deadline leaves less than 100 ms; nothing was sent');
  }
  if (!held.reserve(rendered.request?.body?.length ?? 0)) {
    throw limitReached('too many bytes are held for calls in flight');
  }
  const slot = deps.slots.take(ready.origin);
  if (typeof slot === 'string') throw limitReached('too many requests are in flight');
  deps.audit({
    action: 'TestWebhook',
    agentUuid: agent.agentUuid,
    webhookUuid: webhook.webhookUuid,
    origin: ready.origin,
    secretNames: Object.keys(ready.secrets),
  });
  try {
    const expiresAtMs = performance.now() + limit.limitMs;
    const { signal } = deps;
    return await deps.exchanges.send({
      ready,
      rendered,
      variables,
      expiresAtMs,
      recordBytes: RECORD_BYTES,
      held,
      signal,
    });
  } finally {
    slot.release();
  }
};

const decisionOf = ({ webhook }: Trial, { failure }: Exchange): Decision | undefined =>
  decide({ state: failure ? 'failed' : 'succeeded', failurePolicy: webhook.config.failurePolicy });

const toReply = (exchange: Exchange, decided?: Decision): TestWebhookReply => {
  const { failure, request, response, timings, missingVariables, missedAssignments, assigned } = exchange;
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
};
