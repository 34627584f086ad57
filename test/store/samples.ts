import { randomUUID } from 'node:crypto';
import type { NewAgent } from '../../src/store/agent-store.ts';
import type { NewPostCall, NewStart, Outcome } from '../../src/store/write-batch.ts';
import type { Agent, Webhook } from '../../src/domain/agent.ts';
import type { CallDetails, StartVariables } from '../../src/domain/call.ts';
import type { JsonObject } from '../../src/domain/json.ts';

/** Returns a start as its claim inserts it. */
export function aStart(change: Partial<TestedStart> = {}): TestedStart {
  const start = change.start ?? A_START;
  return { ...startWithout(), ...change, start, startJson: JSON.stringify(start) };
}

/** A start whose variables can be compared. */
export interface TestedStart extends NewStart {
  readonly start: StartVariables;
}

const A_START: StartVariables = {
  callerPhone: '+49301234567',
  variables: { name: 'Ada' },
  sources: { name: 'default' },
};

function startWithout(): Omit<NewStart, 'startJson'> {
  return {
    executionUuid: randomUUID(),
    agentUuid: randomUUID(),
    conversationUuid: randomUUID(),
    webhook: {
      webhookUuid: randomUUID(),
      webhookEtag: 'etag-1',
      failurePolicy: 'proceed',
      timeLimitMs: 10_000,
      timeLimitSource: 'config',
    },
    instance: 'replica-1',
  };
}

/** Returns a start whose webhook has this time limit. With -5,000 it is overdue at once. */
export function aStartWithLimit(timeLimitMs: number, change: Partial<TestedStart> = {}): TestedStart {
  const start = aStart(change);
  return { ...start, webhook: { ...(start.webhook as NonNullable<NewStart['webhook']>), timeLimitMs } };
}

/** Returns a start for which no webhook runs. */
export function aStartWithoutWebhook(change: Partial<TestedStart> = {}): TestedStart {
  const { webhook: _, ...start } = aStart(change);
  return start;
}

/** Returns a post-call as it is accepted. */
export function aPostCall(change: Partial<TestedPostCall> = {}): TestedPostCall {
  const details = change.details ?? DETAILS;
  return { ...postCallWithout(), ...change, details, detailsJson: JSON.stringify(details) };
}

/** A post-call whose details can be compared. */
export interface TestedPostCall extends NewPostCall {
  readonly details: CallDetails;
}

const DETAILS: CallDetails = {
  callerPhone: '+49301234567',
  metadata: {},
  dynamicVariables: {},
  callDurationSecs: 12.5,
  callSummary: 'ok',
};

function postCallWithout(): Omit<NewPostCall, 'detailsJson'> {
  return {
    executionUuid: randomUUID(),
    agentUuid: randomUUID(),
    conversationUuid: randomUUID(),
    webhookUuid: randomUUID(),
    instance: 'replica-1',
  };
}

/** Returns a successful outcome of a start. Its claim is its uuid. */
export function anOutcome(start: { executionUuid: string }, change: Partial<Outcome> = {}): Outcome {
  return {
    executionUuid: start.executionUuid,
    webhookType: 'pre_call',
    claim: start.executionUuid,
    state: 'succeeded',
    decision: 'proceed',
    webhookEtag: 'etag-1',
    timings: { queuedMs: 0.25, totalMs: 12.125 },
    missingVariables: [],
    missedAssignments: [],
    durationMs: 250,
    ...change,
  };
}

/** Returns a successful outcome of a claimed post-call. */
export function aPostCallOutcome(
  postCall: NewPostCall,
  claim: string,
  change: Partial<Outcome> = {},
): Outcome {
  const { decision: _, ...outcome } = anOutcome(postCall, { webhookType: 'post_call', claim, ...change });
  return outcome;
}

/** Returns the claim of a pending post-call. */
export function aClaim(
  postCall: { executionUuid: string },
  claim: string = randomUUID(),
  timeLimitMs = 5_000,
) {
  return {
    executionUuid: postCall.executionUuid,
    claim,
    webhookEtag: 'etag-2',
    timeLimitMs,
    instance: 'replica-2',
  };
}

/** Returns a webhook of an agent. */
export function aWebhook(agentUuid: string, change: Partial<Webhook> = {}): Webhook {
  return {
    webhookUuid: randomUUID(),
    agentUuid,
    webhookType: 'pre_call',
    config: {
      apiSchema: {
        url: 'https://api.example.com/',
        method: 'POST',
        requestHeaders: { 'X-B': '1', 'X-a': '2' },
      },
      assignments: [],
      responseTimeoutSecs: 10,
      failurePolicy: 'proceed',
      signingSecretNames: [],
    },
    sealedHeaders: {},
    disabled: false,
    etag: 'w-1',
    createdAtMs: 0,
    updatedAtMs: 0,
    ...change,
  };
}

/** Returns an agent without webhooks. */
export function anAgent(change: Partial<Agent> = {}): NewAgent {
  return {
    agentUuid: randomUUID(),
    displayName: 'Support bot',
    dynamicVariables: {} as JsonObject,
    webhooks: [],
    sealedSecrets: {},
    etag: 'a-1',
    ...change,
  };
}

/** A sealed value that no key opens. */
export const SEALED = { keyId: 'k', sealed: 's' };

/** Returns an agent with a webhook of each type, secrets and headers. */
export function anAgentWithParts() {
  const sealed = { first: SEALED, second: SEALED };
  const agent = anAgent({ sealedSecrets: sealed });
  const webhook = aWebhook(agent.agentUuid, { sealedHeaders: sealed });
  const other = aWebhook(agent.agentUuid, { webhookType: 'post_call', sealedHeaders: sealed });
  return { ...agent, webhooks: [webhook, other] };
}
