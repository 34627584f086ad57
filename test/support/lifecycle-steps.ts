import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startReceiver, type ReceivedRequest, type Receiver } from './receiver.ts';
import { RpcError, type Rpc } from './rpc.ts';

/** A case of test/vectors/lifecycle*.json; its "about" says what the words mean. */
export interface LifecycleCase {
  readonly name: string;
  readonly endpoint?: { readonly delay_ms?: number; readonly status?: number };
  readonly failure_policy?: 'PROCEED' | 'BLOCK';
  readonly timeout_secs?: number;
  readonly webhooks?: readonly Kind[];
  readonly disabled?: readonly Kind[];
  readonly steps: readonly Step[];
  readonly requests?: Partial<Record<Kind, number>>;
  readonly order?: readonly Kind[];
  readonly post_body_has_assigned_variables?: boolean;
  readonly post_body_has?: Readonly<Record<string, unknown>>;
}

type Kind = 'pre' | 'post';

interface CallChange {
  readonly agent?: 'other' | 'unknown';
  readonly cancel_after_ms?: number;
  readonly deadline_ms?: number;
  readonly dynamic_variables?: Record<string, unknown>;
  readonly caller_phone?: string;
}

interface Step {
  readonly start?: CallChange;
  readonly end?: CallChange;
  readonly start_in_background?: CallChange;
  readonly parallel?: readonly { readonly start: CallChange }[];
  readonly expect_same_reply_but_replayed?: boolean;
  readonly set?: {
    readonly failure_policy?: 'PROCEED' | 'BLOCK';
    readonly disabled?: Partial<Record<Kind, boolean>>;
  };
  readonly delete_webhook?: Kind;
  readonly delete_agent?: boolean;
  readonly settled?: { readonly post?: string; readonly failure?: string };
  readonly start_from_endpoint_with_header?: string;
  readonly start_from_endpoint_with_baggage?: boolean;
  readonly start_later_with_baggage?: boolean;
  readonly expect?: Expectation;
}

interface Expectation {
  readonly status?: string;
  readonly reason?: string;
  readonly decision?: 'PROCEED' | 'BLOCK';
  readonly degraded?: boolean;
  readonly replayed?: boolean;
  readonly state?: string;
  readonly failure?: string;
  readonly time_limit_source?: string;
  readonly execution?: null;
  readonly dynamic_variables?: Readonly<Record<string, unknown>>;
}

type Outcome = pb.OnCallStartResponse | pb.OnCallEndResponse | RpcError;

const ASSIGNED = 'Ada';

/** Plays one case against a callhooks that may dial loopback. */
export async function playLifecycleCase(target: Rpc, vector: LifecycleCase): Promise<void> {
  const receiver = await startReceiver();
  const story = await beginStory(target, receiver, vector);
  try {
    for (const step of vector.steps) await playStep(story, step);
    await Promise.all(story.background);
    await checkRequests(story, vector);
  } finally {
    await Promise.allSettled(story.background);
    await receiver.close();
  }
}

interface Story {
  readonly rpc: Rpc;
  readonly receiver: Receiver;
  readonly agentUuid: string;
  readonly otherAgentUuid: string;
  readonly conversationUuid: string;
  readonly webhooks: Partial<Record<Kind, pb.Webhook>>;
  readonly background: Promise<Outcome>[];
  /** Called with the headers of each pre-call request before it is answered. */
  onPreCall: ((request: ReceivedRequest) => Promise<unknown>) | undefined;
  lastBaggage: string;
}

async function beginStory(rpc: Rpc, receiver: Receiver, vector: LifecycleCase): Promise<Story> {
  const kinds = vector.webhooks ?? ['pre', 'post'];
  const { agent } = await rpc.agents.createAgent({
    agent: {
      dynamicVariables: { customer_name: 'nobody', plan: 'none' },
      webhooks: kinds.map((kind) => webhookOf(kind, receiver, vector)),
    },
  });
  const other = await rpc.agents.createAgent({
    agent: {
      dynamicVariables: { customer_name: '', plan: '' },
      webhooks: kinds.map((kind) => webhookOf(kind, receiver, vector)),
    },
  });
  const of = (type: pb.WebhookType) => agent?.webhooks.find(({ webhookType }) => webhookType === type);
  const [pre, post] = [of(pb.WebhookType.WEBHOOK_TYPE_PRE_CALL), of(pb.WebhookType.WEBHOOK_TYPE_POST_CALL)];
  const story: Story = {
    rpc,
    receiver,
    agentUuid: agent?.agentUuid ?? '',
    otherAgentUuid: other.agent?.agentUuid ?? '',
    conversationUuid: randomUUID(),
    webhooks: { ...(pre ? { pre } : {}), ...(post ? { post } : {}) },
    background: [],
    onPreCall: undefined,
    lastBaggage: '',
  };
  answerRequests(story, vector);
  return story;
}

function webhookOf(kind: Kind, receiver: Receiver, vector: LifecycleCase) {
  return {
    webhookType:
      kind === 'pre' ? pb.WebhookType.WEBHOOK_TYPE_PRE_CALL : pb.WebhookType.WEBHOOK_TYPE_POST_CALL,
    disabled: vector.disabled?.includes(kind) ?? false,
    webhookConfig: {
      apiSchema: {
        url: `${receiver.url}/${kind}`,
        method: 'POST',
        requestBody: { customer_name: '{{customer_name}}', plan: '{{plan}}' },
      },
      responseTimeoutSecs: vector.timeout_secs ?? 0,
      ...(kind === 'pre'
        ? {
            assignments: [{ attributeName: 'customer_name', dynamicVariable: 'customer_name' }],
            failurePolicy: policyOf(vector.failure_policy),
          }
        : {}),
    },
  };
}

function policyOf(name: 'PROCEED' | 'BLOCK' | undefined): pb.FailurePolicy {
  return name === undefined
    ? pb.FailurePolicy.FAILURE_POLICY_UNSPECIFIED
    : pb.FailurePolicy[`FAILURE_POLICY_${name}`];
}

function answerRequests(story: Story, { endpoint = {} }: LifecycleCase): void {
  return story.receiver.respond(async (request) => {
    story.lastBaggage = String(request.headers['baggage']);
    if (request.url === '/pre') await story.onPreCall?.(request);
    const delay = request.url === '/pre' ? { delayMs: endpoint.delay_ms ?? 0 } : {};
    return { status: endpoint.status ?? 200, body: { customer_name: ASSIGNED }, ...delay };
  });
}

function callOf(story: Story, change: CallChange) {
  return {
    agentUuid:
      change.agent === 'other'
        ? story.otherAgentUuid
        : change.agent === 'unknown'
          ? randomUUID()
          : story.agentUuid,
    conversationUuid: story.conversationUuid,
    callerPhone: change.caller_phone ?? '+14155550123',
    ...(change.dynamic_variables ? { dynamicVariables: change.dynamic_variables } : {}),
  };
}

function startCall(story: Story, change: CallChange): Promise<Outcome> {
  const cancel = new AbortController();
  if (change.cancel_after_ms !== undefined) {
    // "A cancel waits until the endpoint has the request."
    story.onPreCall = async () => cancel.abort();
  }
  const options = {
    signal: cancel.signal,
    ...(change.deadline_ms ? { deadlineMs: change.deadline_ms } : {}),
  };
  return story.rpc.calls.onCallStart(callOf(story, change), options).catch(asError);
}

function asError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  throw error;
}

async function playStep(story: Story, step: Step): Promise<void> {
  if (step.start) checkOutcome(await startCall(story, step.start), step.expect, step.start);
  if (step.end) {
    checkOutcome(await story.rpc.calls.onCallEnd(callOf(story, step.end)).catch(asError), step.expect);
  }
  if (step.start_in_background) {
    story.background.push(startCall(story, step.start_in_background));
    await story.receiver.waitFor(story.receiver.requests.length + 1);
  }
  if (step.parallel) await playParallel(story, step.parallel);
  if (step.set) await changeWebhook(story, step.set);
  if (step.delete_webhook) {
    await story.rpc.webhooks.deleteWebhook({
      webhookUuid: story.webhooks[step.delete_webhook]?.webhookUuid ?? '',
    });
  }
  if (step.delete_agent) await story.rpc.agents.deleteAgent({ agentUuid: story.agentUuid });
  if (step.settled) await untilPostCallEnds(story, step.settled);
  if (step.start_from_endpoint_with_header || step.start_from_endpoint_with_baggage) {
    await startFromEndpoint(story, step);
  }
  if (step.start_later_with_baggage) {
    const call = { ...callOf(story, {}), conversationUuid: randomUUID() };
    const headers = { baggage: story.lastBaggage };
    checkOutcome(await story.rpc.calls.onCallStart(call, { headers }).catch(asError), step.expect);
  }
}

async function startFromEndpoint(story: Story, step: Step): Promise<void> {
  let inner: Outcome | undefined;
  story.onPreCall = async (request) => {
    story.onPreCall = undefined;
    const name = step.start_from_endpoint_with_header ?? 'baggage';
    const headers = { [name]: String(request.headers[name]) };
    const call = { ...callOf(story, {}), conversationUuid: randomUUID() };
    inner = await story.rpc.calls.onCallStart(call, { headers }).catch(asError);
  };
  checkOutcome(await startCall(story, {}), { decision: 'PROCEED' });
  expect(inner, 'the call from the endpoint').to.not.equal(undefined);
  checkOutcome(inner as Outcome, step.expect);
}

async function playParallel(story: Story, calls: readonly { readonly start: CallChange }[]): Promise<void> {
  const replies = await Promise.all(calls.map(({ start }) => startCall(story, start)));
  const plain = replies.map((reply) => ({ ...(reply as pb.OnCallStartResponse), replayed: false }));
  for (const reply of plain) expect(reply).to.deep.equal(plain[0]);
  expect(replies.filter((reply) => !(reply as pb.OnCallStartResponse).replayed)).to.have.length(1);
}

async function changeWebhook(story: Story, set: NonNullable<Step['set']>): Promise<void> {
  if (set.failure_policy) {
    await story.rpc.webhooks.updateWebhook({
      webhook: {
        webhookUuid: story.webhooks.pre?.webhookUuid ?? '',
        webhookConfig: { failurePolicy: policyOf(set.failure_policy) },
      },
      updateMask: ['webhook_config.failure_policy'],
    });
  }
  for (const [kind, disabled] of Object.entries(set.disabled ?? {})) {
    const webhookUuid = story.webhooks[kind as Kind]?.webhookUuid ?? '';
    await story.rpc.webhooks.updateWebhook({ webhook: { webhookUuid, disabled }, updateMask: ['disabled'] });
  }
}

function checkOutcome(outcome: Outcome, expected: Expectation | undefined, change: CallChange = {}): void {
  if (change.cancel_after_ms !== undefined)
    return void expect((outcome as RpcError).code).to.equal('CANCELLED');
  if (expected?.status !== undefined) {
    expect(outcome, 'an error').to.be.instanceOf(RpcError);
    expect((outcome as RpcError).code).to.equal(expected.status);
    if (expected.reason !== undefined) expect((outcome as RpcError).reason).to.equal(expected.reason);
    return;
  }
  if (outcome instanceof RpcError) throw outcome;
  if (expected) checkReply(outcome, expected);
}

function checkReply(reply: pb.OnCallStartResponse | pb.OnCallEndResponse, expected: Expectation): void {
  const { execution } = reply;
  if (expected.execution === null) expect(execution).to.equal(undefined);
  if (expected.replayed !== undefined) expect(reply.replayed, 'replayed').to.equal(expected.replayed);
  if (expected.state)
    expect(execution?.state).to.equal(pb.ExecutionState[`EXECUTION_STATE_${expected.state}` as never]);
  if (expected.failure)
    expect(execution?.failure?.code).to.equal(pb.FailureCode[`FAILURE_CODE_${expected.failure}` as never]);
  if (expected.time_limit_source) {
    expect(execution?.timeLimitSource).to.equal(
      pb.TimeLimitSource[`TIME_LIMIT_SOURCE_${expected.time_limit_source}` as never],
    );
  }
  if (!('decision' in reply)) return;
  if (expected.decision)
    expect(reply.decision).to.equal(pb.CallDecision[`CALL_DECISION_${expected.decision}`]);
  if (expected.degraded !== undefined) expect(reply.degraded, 'degraded').to.equal(expected.degraded);
  if (expected.dynamic_variables) expect(reply.dynamicVariables).to.include(expected.dynamic_variables);
}

/** The conversation's post-call execution once it has ended. */
async function untilPostCallEnds(
  story: Story,
  expected: NonNullable<Step['settled']>,
): Promise<pb.Execution> {
  const { conversationUuid } = story;
  for (let tries = 0; tries < 500; tries += 1) {
    const { executions } = await story.rpc.executions.listExecutions({
      conversationUuid,
      webhookType: pb.WebhookType.WEBHOOK_TYPE_POST_CALL,
    });
    const [execution] = executions;
    if (execution?.finishedAt) {
      if (expected.post)
        expect(execution.state).to.equal(pb.ExecutionState[`EXECUTION_STATE_${expected.post}` as never]);
      if (expected.failure) {
        expect(execution.failure?.code).to.equal(pb.FailureCode[`FAILURE_CODE_${expected.failure}` as never]);
      }
      return execution;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the post-call did not end within 10 s');
}

async function checkRequests(story: Story, vector: LifecycleCase): Promise<void> {
  const kinds = (): string[] => story.receiver.requests.map(({ url }) => url.slice(1));
  if (vector.requests?.post) await untilPostCallEnds(story, {});
  for (const kind of ['pre', 'post']) {
    if (vector.requests)
      expect(
        kinds().filter((each) => each === kind),
        kind,
      ).to.have.length(vector.requests[kind as Kind] ?? 0);
  }
  if (vector.order) expect(kinds()).to.deep.equal(vector.order);
  const post = story.receiver.requests.find(({ url }) => url === '/post');
  if (vector.post_body_has_assigned_variables)
    expect(JSON.parse(post?.body ?? '')).to.include({ customer_name: ASSIGNED });
  if (vector.post_body_has) expect(JSON.parse(post?.body ?? '')).to.include(vector.post_body_has);
}
