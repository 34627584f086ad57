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

/** The parts that the story needs. */
export interface DemoParts {
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

/** Creates an agent, starts a call, starts two more with a slow CRM, ends the first call and shows the execution log. */
export async function tellStory(parts: DemoParts): Promise<void> {
  parts.page.title(`callhooks on ${parts.address}, and a small CRM on ${parts.crm.url}`);
  const agent = await createAgent(parts);
  const call = await startCall(parts, agent);
  await startWithSlowCrm(parts, agent);
  await endCall(parts, agent, call);
  await showLog(parts, agent);
}

interface DemoAgent {
  readonly agentUuid: string;
  readonly preCall: Webhook | undefined;
}

async function createAgent({ page, crm, rpc }: DemoParts): Promise<DemoAgent> {
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
}

async function startCall({ page, crm, rpc, newUuid }: DemoParts, { agentUuid }: DemoAgent): Promise<string> {
  page.chapter(`A call starts: ${PHONE}`);
  const conversationUuid = newUuid();
  const reply = await rpc.onCallStart({ agentUuid, conversationUuid, callerPhone: PHONE });
  page.line('CRM got', (await crm.lastRequest('/lookup')).body);
  page.line('variables', showSources(reply));
  page.line('decision', showDecision(page, reply));
  const repeat = await rpc.onCallStart({ agentUuid, conversationUuid, callerPhone: PHONE });
  page.line('repeated', `the same answer from the record (replayed = ${repeat.replayed}), no second request`);
  return conversationUuid;
}

async function startWithSlowCrm({ page, crm, rpc, newUuid }: DemoParts, agent: DemoAgent): Promise<void> {
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
}

async function endCall(
  { page, crm, rpc }: DemoParts,
  { agentUuid }: DemoAgent,
  conversationUuid: string,
): Promise<void> {
  page.chapter('The first call ends');
  const { execution } = await rpc.onCallEnd({
    agentUuid,
    conversationUuid,
    callDuration: { seconds: 142n, nanos: 0 },
    callSummary: 'Asked about an order. 👍',
  });
  page.line('answered', `${showState(execution)} at once, without a wait for the CRM`);
  page.line('CRM got', (await crm.lastRequest('/calls')).body);
}

async function showLog({ page, rpc }: DemoParts, { agentUuid }: DemoAgent): Promise<void> {
  page.chapter('The execution log');
  const executions = await untilAllFinished(rpc, agentUuid);
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
}

async function untilAllFinished(rpc: DemoRpc, agentUuid: string): Promise<readonly Execution[]> {
  for (;;) {
    const { executions }: ListExecutionsResponse = await rpc.listExecutions({ agentUuid });
    if (executions.every(({ finishedAt }) => finishedAt !== undefined)) return executions;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function showVariables(variables: object): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join(', ');
}

function showSources({ dynamicVariables = {}, variableSources }: OnCallStartResponse): string {
  return Object.entries(dynamicVariables)
    .map(
      ([name, value]) =>
        `${name} = ${JSON.stringify(value)} (${nameOf(VariableSource, variableSources[name])})`,
    )
    .join(', ');
}

function showDecision(page: Page, { decision, degraded }: OnCallStartResponse): string {
  if (decision === CallDecision.CALL_DECISION_BLOCK) return page.bad('block the call');
  return page.good(degraded ? 'proceed, degraded: with the defaults' : 'proceed');
}

function showState(execution: Execution | undefined): string {
  return nameOf(ExecutionState, execution?.state);
}

function showCode(execution: Execution | undefined): string {
  return nameOf(FailureCode, execution?.failure?.code);
}

/** Turns `EXECUTION_STATE_FAILED` into `failed`. The prefix is the enum's name, which has two words in each of these. */
function nameOf(values: object, value: number | undefined): string {
  const name = Object.entries(values).find(([, number]) => number === value)?.[0] ?? '';
  return name.split('_').slice(2).join(' ').toLowerCase();
}
