import { Client, credentials } from '@grpc/grpc-js';
import {
  AgentAdminService,
  CreateAgentRequest,
  type CreateAgentResponse,
  OnCallEndRequest,
  OnCallStartRequest,
  WebhookType,
} from '../../src/gen/index.callhooks.v1.ts';

/** The agent of every call of the bench. */
export const AGENT_UUID = 'a0000000-0000-4000-8000-0000000bec40';

/** The placeholder in an encoded message that the generator replaces by the id of each conversation. */
export const MARKER = 'c0000000-0000-4000-8000-0000000bec40';

/** The value of the only secret, which goes into a header of each request. */
export const SECRET = 'bench-token-0123456789';

/** The details of each call. */
export const CALL = {
  agentUuid: AGENT_UUID,
  conversationUuid: MARKER,
  callerPhone: '+14155550123',
  dynamicVariables: { language: 'en', queue: 'support' },
  metadata: { trunk: 'sip-7', region: 'us-west' },
} as const;

const DEADLINE_MS = 20_000;

/** The RPCs that are called, each with one encoded message. */
export const START = {
  path: '/callhooks.v1.CallLifecycle/OnCallStart',
  message: Buffer.from(OnCallStartRequest.encode(OnCallStartRequest.fromPartial(CALL)).finish()),
  marker: MARKER,
};
export const END = {
  path: '/callhooks.v1.CallLifecycle/OnCallEnd',
  message: Buffer.from(
    OnCallEndRequest.encode(
      OnCallEndRequest.fromPartial({
        ...CALL,
        callDuration: { seconds: 245n, nanos: 0 },
        callSummary: 'The caller asked for the status of an order and was told that it arrives on Friday.',
      }),
    ).finish(),
  ),
  marker: MARKER,
};

interface Hook {
  readonly endpoint: string;
  /** 0 stands for the default. */
  readonly timeoutSeconds: number;
  readonly type: WebhookType;
  /** Additions to the usual body. */
  readonly body: object;
  readonly assignments: readonly object[];
}

function webhook({ endpoint, timeoutSeconds, type, body, assignments }: Hook): object {
  return {
    webhookType: type,
    webhookConfig: {
      responseTimeoutSecs: timeoutSeconds,
      apiSchema: {
        url: `http://${endpoint}/hook`,
        method: 'POST',
        requestHeaders: { Authorization: 'Bearer {{secret.TOKEN}}' },
        requestBody: {
          agent_uuid: '{{agent_uuid}}',
          conversation_uuid: '{{conversation_uuid}}',
          caller_phone: '{{caller_phone}}',
          language: '{{language}}',
          ...body,
        },
      },
      assignments,
    },
  };
}

/**
 * Creates the agent on a fresh callhooks: a pre-call and a post-call webhook to the endpoint, one secret, two
 * assignments.
 */
export async function createAgent(address: string, endpoint: string, timeoutSeconds = 0): Promise<void> {
  const both = { endpoint, timeoutSeconds };
  const assignments = [
    { attributeName: 'customer.name', dynamicVariable: 'customer_name' },
    { attributeName: 'conversation', dynamicVariable: 'echo' },
  ];
  const report = { duration: '{{call_duration}}', summary: '{{call_summary}}' };
  const request = CreateAgentRequest.fromPartial({
    agent: {
      agentUuid: AGENT_UUID,
      displayName: 'Bench',
      dynamicVariables: { customer_name: 'there', echo: '', language: 'en', queue: 'none' },
      webhooks: [
        webhook({
          ...both,
          type: WebhookType.WEBHOOK_TYPE_PRE_CALL,
          body: { queue: '{{queue}}' },
          assignments,
        }),
        webhook({ ...both, type: WebhookType.WEBHOOK_TYPE_POST_CALL, body: report, assignments: [] }),
      ],
    },
    secrets: { TOKEN: SECRET },
  });
  const client = new Client(address, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = AgentAdminService.createAgent;
  try {
    await new Promise<CreateAgentResponse | undefined>((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        { deadline: Date.now() + DEADLINE_MS },
        (error, reply) => (error ? reject(error) : resolve(reply)),
      );
    });
  } finally {
    client.close();
  }
}
