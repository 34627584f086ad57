import {
  CallDecision,
  ExecutionState,
  FailureCode,
  FailurePolicy,
  VariableSource,
  WebhookType,
  type CreateAgentResponse,
  type Execution,
  type ListExecutionsResponse,
  type OnCallStartResponse,
  type Webhook,
} from '../../src/gen/index.callhooks.v1.ts';
import type { DemoRpc } from './client.ts';
import type { Crm } from './crm.ts';
import type { Page } from './page.ts';

/** Who takes part. */
export interface Cast {
  readonly page: Page;
  readonly crm: Crm;
  readonly rpc: DemoRpc;
  readonly newUuid: () => string;
  readonly address: string;
}

const PHONE = '+14155550123';
const SLOW_MS = 1_500;
const LIMIT_SECS = 0.5;
const DEFAULTS = { customer_name: 'there', plan: 'unknown' };

/** Tells the story: agent, start, slow CRM under both policies, end, log. */
export const tellStory = async (cast: Cast): Promise<void> => {
  cast.page.title(`callhooks on ${cast.address}, and a small CRM on ${cast.crm.url}`);
  const agent = await createAgent(cast);
  const call = await startCall(cast, agent);
  await meetSlowCrm(cast, agent);
  await endCall(cast, agent, call);
  await readLog(cast, agent);
};

interface DemoAgent {
  readonly agentUuid: string;
  readonly preCall: Webhook | undefined;
}

const createAgent = async ({ page, crm, rpc }: Cast): Promise<DemoAgent> => {
  page.chapter('An agent with two webhooks');
  const reply: CreateAgentResponse = await rpc.createAgent({
    agent: {
      displayName: 'Front desk',
      dynamicVariables: DEFAULTS,
      webhooks: [
        {
          webhookType: WebhookType.WEBHOOK_TYPE_PRE_CALL,
          webhookConfig: {
            apiSchema: {
              url: `${crm.url}/lookup`,
              method: 'POST',
              requestHeaders: { Authorization: 'Bearer {{secret.CRM_TOKEN}}' },
              requestBody: { caller_phone: '{{caller_phone}}' },
            },
            assignments: [
              { attributeName: 'customer.name', dynamicVariable: 'customer_name' },
              { attributeName: 'customer.plan', dynamicVariable: 'plan' },
            ],
            responseTimeoutSecs: LIMIT_SECS,
          },
        },
        {
          webhookType: WebhookType.WEBHOOK_TYPE_POST_CALL,
          webhookConfig: {
            apiSchema: {
              url: `${crm.url}/calls`,
              method: 'POST',
              requestBody: {
                who: '{{customer_name}}',
                seconds: '{{call_duration}}',
                summary: '{{call_summary}}',
              },
            },
          },
        },
      ],
    },
    secrets: { CRM_TOKEN: 'a-token-that-nobody-reads-back' },
  });
  page.line('pre-call', 'POST /lookup, then customer_name and plan from its answer, within 0.5 s');
  page.line('post-call', 'POST /calls, in the background');
  page.line('default', showVariables(DEFAULTS));
  const preCall = reply.agent?.webhooks.find(
    ({ webhookType }) => webhookType === WebhookType.WEBHOOK_TYPE_PRE_CALL,
  );
  return { agentUuid: reply.agent?.agentUuid ?? '', preCall };
};

const startCall = async ({ page, crm, rpc, newUuid }: Cast, { agentUuid }: DemoAgent): Promise<string> => {
  page.chapter(`A call starts: ${PHONE}`);
  const conversationUuid = newUuid();
  const reply = await rpc.onCallStart({ agentUuid, conversationUuid, callerPhone: PHONE });
  page.line('CRM got', (await crm.lastRequest('/lookup')).body);
  page.line('variables', showSources(reply));
  page.line('decision', showDecision(page, reply));
  const repeat = await rpc.onCallStart({ agentUuid, conversationUuid, callerPhone: PHONE });
  page.line('repeated', `the same answer from the record (replayed = ${repeat.replayed}), no second request`);
  return conversationUuid;
};

const meetSlowCrm = async ({ page, crm, rpc, newUuid }: Cast, agent: DemoAgent): Promise<void> => {
  page.chapter(`The CRM gets slow: ${SLOW_MS / 1000} s, and the webhook may take ${LIMIT_SECS} s`);
  crm.slowDown(SLOW_MS);
  for (const policy of ['PROCEED', 'BLOCK'] as const) {
    await rpc.updateWebhook({
      webhook: {
        webhookUuid: agent.preCall?.webhookUuid ?? '',
        webhookConfig: { failurePolicy: FailurePolicy[`FAILURE_POLICY_${policy}`] },
      },
      updateMask: ['webhook_config.failure_policy'],
    });
    const reply = await rpc.onCallStart({
      agentUuid: agent.agentUuid,
      conversationUuid: newUuid(),
      callerPhone: PHONE,
    });
    page.line(`on failure ${policy}`.padEnd(19), showDecision(page, reply));
    page.line('', page.dim(`${showCode(reply.execution)}: ${reply.execution?.failure?.message ?? ''}`));
  }
};

const endCall = async (
  { page, crm, rpc }: Cast,
  { agentUuid }: DemoAgent,
  conversationUuid: string,
): Promise<void> => {
  page.chapter('The first call ends');
  const { execution } = await rpc.onCallEnd({
    agentUuid,
    conversationUuid,
    callDuration: { seconds: 142n, nanos: 0 },
    callSummary: 'Asked about an order. 👍',
  });
  page.line('answered', `${showState(execution)} at once, without waiting for the CRM`);
  page.line('CRM got', (await crm.lastRequest('/calls')).body);
};

const readLog = async ({ page, rpc }: Cast, { agentUuid }: DemoAgent): Promise<void> => {
  page.chapter('The execution log');
  const executions = await untilAllEnded(rpc, agentUuid);
  page.table(
    ['accepted', 'webhook', 'state', 'failure', 'took'],
    executions.map((execution) => [
      execution.acceptedAt?.toISOString().slice(11, 23) ?? '',
      execution.webhookType === WebhookType.WEBHOOK_TYPE_PRE_CALL ? 'pre-call' : 'post-call',
      showState(execution),
      execution.failure ? showCode(execution) : '',
      `${((execution.finishedAt?.getTime() ?? 0) - (execution.sendingAt?.getTime() ?? 0)).toString()} ms`,
    ]),
  );
};

const untilAllEnded = async (rpc: DemoRpc, agentUuid: string): Promise<readonly Execution[]> => {
  for (;;) {
    const { executions }: ListExecutionsResponse = await rpc.listExecutions({ agentUuid });
    if (executions.every(({ finishedAt }) => finishedAt !== undefined)) return executions;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const showVariables = (variables: object): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join(', ');

const showSources = ({ dynamicVariables = {}, variableSources }: OnCallStartResponse): string =>
  Object.entries(dynamicVariables)
    .map(
      ([name, value]) =>
        `${name} = ${JSON.stringify(value)} (${nameOf(VariableSource, variableSources[name])})`,
    )
    .join(', ');

const showDecision = (page: Page, { decision, degraded }: OnCallStartResponse): string => {
  if (decision === CallDecision.CALL_DECISION_BLOCK) return page.bad('block the call');
  return page.good(degraded ? 'proceed, degraded: with the defaults' : 'proceed');
};

const showState = (execution: Execution | undefined): string => nameOf(ExecutionState, execution?.state);
const showCode = (execution: Execution | undefined): string => nameOf(FailureCode, execution?.failure?.code);

/** `EXECUTION_STATE_FAILED` → `failed`: the prefix is the enum's name, of two words in each of these. */
const nameOf = (values: object, value: number | undefined): string => {
  const name = Object.entries(values).find(([, number]) => number === value)?.[0] ?? '';
  return name.split('_').slice(2).join(' ').toLowerCase();
};
