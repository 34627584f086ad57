import { randomUUID } from 'node:crypto';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import { untilFinished } from '../../support/calls.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { startReceiver, type Receiver } from '../../support/receiver.ts';
import type { Partially } from '../../support/rpc.ts';
import { seedMinutes } from './picture-minutes.ts';
import { CA_FILE, startSecureEndpoint, type AnswerSecurely, type SecureEndpoint } from './secure-endpoint.ts';
import { startConsoleServer, type ConsoleServer } from './console-server.ts';

/** Is a server with a few calls that tell a story, for the pictures in the docs. */
export interface PictureScene {
  readonly server: ConsoleServer;
  /** Is the agent of {@link conversationUuid}. */
  readonly agentUuid: string;
  /** Is the call whose agent did not know the name of the caller. */
  readonly conversationUuid: string;
  /** Is the pre-call of that call. */
  readonly executionUuid: string;
  readonly webhookUuid: string;
  close(): Promise<void>;
}

const SECRET = 'crm-token-of-the-pictures';
const NAMES = [
  'Grace Hopper',
  'Alan Turing',
  'Barbara Liskov',
  'Edsger Dijkstra',
  'Frances Allen',
  'Tony Hoare',
];

/** Answers as a CRM that renamed a field, and that knows one blocked number and one that is too much for it. */
const crm: AnswerSecurely = (body) => {
  if (body.includes('note')) return { status: 204 };
  if (body.includes('+14155550199')) return { status: 403, body: { reason: 'This number is blocked.' } };
  if (body.includes('+14155550198'))
    return { status: 503, body: { error: 'The CRM is down for maintenance.' } };
  const fullName = NAMES[Number(body.match(/\d(?=")/)?.[0] ?? 0) % NAMES.length];
  return {
    body: {
      customer: {
        id: 4711,
        full_name: fullName,
        first_name: fullName?.split(' ')[0],
        plan: 'gold',
        tags: ['vip'],
      },
      open_tickets: [{ id: 'T-1042', subject: 'The invoice is wrong', days_open: 3 }],
    },
  };
};

/** Starts the server, and makes the calls. */
export async function startPictureScene(): Promise<PictureScene> {
  const dns = await startDnsServer((name, family) =>
    name === 'endpoint.example' ? (family === 'A' ? ['127.0.0.1'] : []) : 'NXDOMAIN',
  );
  // So its address is the same in all pictures, unless the port is taken.
  const endpoint = await startSecureEndpoint(crm, 8_443).catch(() => startSecureEndpoint(crm));
  const silent = await startReceiver(() => new Promise(() => {}));
  const server = await startConsoleServer({
    CALLHOOKS_CA_FILE: CA_FILE,
    CALLHOOKS_DNS_SERVERS: dns.address,
    CALLHOOKS_INSTANCE: 'callhooks-1',
    CALLHOOKS_SHUTDOWN_GRACE: '1s',
  });
  const { agent, story } = await playStory(server, endpoint, silent);
  server.process.kill('SIGTERM');
  await server.process.ended();
  await seedMinutes(server.database.dataDir, agent);
  await server.restart();
  return {
    server,
    ...story,
    webhookUuid: agent.webhooks[0]?.webhookUuid ?? '',
    close: async () => {
      await server.close();
      await Promise.all([endpoint.close(), silent.close(), dns.close()]);
    },
  };
}

async function playStory(server: ConsoleServer, endpoint: SecureEndpoint, silent: Receiver) {
  const frontDesk = await createAgent(server, 'Front desk', endpoint.url);
  const reminders = await createAgent(server, 'Appointment reminders', endpoint.url);
  const nightLine = await createAgent(server, 'Night line', silent.url, 0.5);
  const calls = [
    ...[1, 2, 3].map((digit) => ({ agent: reminders, phone: `+1415555013${digit}` })),
    { agent: frontDesk, phone: '+14155550199' },
    { agent: frontDesk, phone: '+14155550198' },
    { agent: nightLine, phone: '+14155550141' },
    { agent: reminders, phone: '+14155550134' },
  ];
  for (const { agent, phone } of calls) await playCall(server, agent, phone);
  return { agent: frontDesk, story: await playCall(server, frontDesk, '+14155550120') };
}

async function createAgent(
  server: ConsoleServer,
  displayName: string,
  url: string,
  responseTimeoutSecs = 2,
): Promise<pb.Agent> {
  const { WEBHOOK_TYPE_PRE_CALL: preCall, WEBHOOK_TYPE_POST_CALL: postCall } = pb.WebhookType;
  const requestHeaders = { authorization: 'Bearer {{secret.CRM_TOKEN}}' };
  const lookup: Partially<pb.WebhookConfig> = {
    apiSchema: {
      url: `${url}/lookup`,
      method: 'POST',
      requestHeaders,
      requestBody: { caller_phone: '{{caller_phone}}' },
    },
    assignments: [
      { attributeName: 'customer.name', dynamicVariable: 'customer_name' },
      { attributeName: 'customer.plan', dynamicVariable: 'plan' },
      { attributeName: 'open_tickets[0].subject', dynamicVariable: 'open_ticket' },
      { attributeName: 'customer.language', dynamicVariable: 'language', defaultValue: 'en' },
    ],
    rejection: { httpStatuses: [403], reasonAttributeName: 'reason' },
    responseTimeoutSecs,
  };
  const report: Partially<pb.WebhookConfig> = {
    apiSchema: {
      url: `${url}/calls`,
      method: 'POST',
      requestHeaders,
      requestBody: { note: '{{customer_name}} called for {{call_duration}} s', summary: '{{call_summary}}' },
    },
    responseTimeoutSecs,
  };
  const { agent } = await server.rpc.agents.createAgent({
    agent: {
      displayName,
      dynamicVariables: {
        customer_name: 'there',
        plan: 'unknown',
        open_ticket: '',
        language: null,
        campaign: '',
      },
      webhooks: [
        { webhookType: preCall, webhookConfig: lookup },
        { webhookType: postCall, webhookConfig: report },
      ],
    },
    secrets: { CRM_TOKEN: SECRET },
  });
  return agent as pb.Agent;
}

/** Plays a call from its start until its report has ended. */
async function playCall(server: ConsoleServer, { agentUuid }: pb.Agent, callerPhone: string) {
  const call = { agentUuid, conversationUuid: randomUUID() };
  const details = { ...call, callerPhone, dynamicVariables: { campaign: 'spring' } };
  const { execution } = await server.rpc.calls.onCallStart(details);
  const { execution: report } = await server.rpc.calls.onCallEnd({
    ...details,
    callDuration: { seconds: 142n, nanos: 500_000_000 },
    callSummary: 'The caller asked about a wrong invoice, and was promised a call back.',
  });
  await untilFinished(server.rpc, report?.executionUuid);
  return { ...call, executionUuid: execution?.executionUuid ?? '' };
}
