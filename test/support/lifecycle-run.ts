import { randomUUID } from 'node:crypto';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import type { CallChange, Kind, LifecycleCase } from './lifecycle-case.ts';
import type { ReceivedRequest, Receiver } from './receiver.ts';
import { RpcError, type Rpc } from './rpc.ts';

export type Outcome = pb.OnCallStartResponse | pb.OnCallEndResponse | RpcError;

/** Holds the value that the endpoint of a case gives for `customer_name`. */
export const ASSIGNED = 'Ada';

/** Holds the agents, the webhooks and the endpoint of a case that is being played. */
export interface CaseRun {
  readonly rpc: Rpc;
  readonly receiver: Receiver;
  readonly agentUuid: string;
  readonly otherAgentUuid: string;
  readonly conversationUuid: string;
  readonly webhooks: Partial<Record<Kind, pb.Webhook>>;
  readonly background: Promise<Outcome>[];
  /** Is called with each pre-call request before the endpoint answers it. */
  onPreCall: ((request: ReceivedRequest) => Promise<unknown>) | undefined;
  /** Holds the baggage of the newest request. */
  lastBaggage: string;
}

/** Creates the two agents of a case, and lets the endpoint answer as the case says. */
export async function beginCaseRun(rpc: Rpc, receiver: Receiver, vector: LifecycleCase): Promise<CaseRun> {
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
  const run: CaseRun = {
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
  answerRequests(run, vector);
  return run;
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

/** Returns the failure policy of a name; UNSPECIFIED without one. */
export function policyOf(name: 'PROCEED' | 'BLOCK' | undefined): pb.FailurePolicy {
  return name === undefined
    ? pb.FailurePolicy.FAILURE_POLICY_UNSPECIFIED
    : pb.FailurePolicy[`FAILURE_POLICY_${name}`];
}

function answerRequests(run: CaseRun, { endpoint = {} }: LifecycleCase): void {
  return run.receiver.respond(async (request) => {
    run.lastBaggage = String(request.headers['baggage']);
    if (request.url === '/pre') await run.onPreCall?.(request);
    const delay = request.url === '/pre' ? { delayMs: endpoint.delay_ms ?? 0 } : {};
    return { status: endpoint.status ?? 200, body: { customer_name: ASSIGNED }, ...delay };
  });
}

/** Returns the request of a call of the case's conversation. */
export function callOf(run: CaseRun, change: CallChange) {
  return {
    agentUuid:
      change.agent === 'other'
        ? run.otherAgentUuid
        : change.agent === 'unknown'
          ? randomUUID()
          : run.agentUuid,
    conversationUuid: run.conversationUuid,
    callerPhone: change.caller_phone ?? '+14155550123',
    ...(change.dynamic_variables ? { dynamicVariables: change.dynamic_variables } : {}),
  };
}

/** Starts the call, and returns the reply or the error. */
export function startCall(run: CaseRun, change: CallChange): Promise<Outcome> {
  const cancel = new AbortController();
  if (change.cancel_after_ms !== undefined) {
    // The vectors say: "A cancel waits until the endpoint has the request."
    run.onPreCall = async () => cancel.abort();
  }
  const options = {
    signal: cancel.signal,
    ...(change.deadline_ms ? { deadlineMs: change.deadline_ms } : {}),
  };
  return run.rpc.calls.onCallStart(callOf(run, change), options).catch(asError);
}

/** Returns the error of an RPC as an outcome; throws any other error. */
export function asError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  throw error;
}
