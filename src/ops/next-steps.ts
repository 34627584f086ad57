import type { Config } from '../config/config.ts';

const AGENT = '11111111-1111-4111-8111-111111111111';
const CONVERSATION = '22222222-2222-4222-8222-222222222222';

const CREATE_AGENT = {
  agent: {
    agent_uuid: AGENT,
    dynamic_variables: { customer_name: 'you' },
    webhooks: [
      {
        webhook_type: 'WEBHOOK_TYPE_PRE_CALL',
        webhook_config: {
          api_schema: {
            url: 'https://api.example.com/pre-call',
            method: 'POST',
            request_body: { phone: '{{caller_phone}}' },
          },
          assignments: [{ attribute_name: 'name', dynamic_variable: 'customer_name' }],
        },
      },
    ],
  },
};
const START = { agent_uuid: AGENT, conversation_uuid: CONVERSATION, caller_phone: '+49301234567' };

/** Returns commands to copy, for a person who has just started the server with these settings. */
export function nextSteps(
  { grpcAddress, consoleUrl }: { readonly grpcAddress: string; readonly consoleUrl?: string },
  settings: Pick<Config, 'tls' | 'apiTokens'>,
): string {
  const grpcurl = ['grpcurl', ...flagsFor(settings)].join(' ');
  const call = (method: string, request: object): string =>
    `  ${grpcurl} -d '${JSON.stringify(request)}' ${grpcAddress} callhooks.v1.${method}`;
  const console = consoleUrl === undefined ? '' : `\nA browser shows the same: ${consoleUrl}`;
  return `
callhooks serves gRPC on ${grpcAddress}. Ctrl-C ends it. In another terminal, list its services:

  ${grpcurl} ${grpcAddress} list

Make an agent whose webhook is asked when a call starts (put your own URL in), start a call, and see what happened:

${call('AgentAdmin/CreateAgent', CREATE_AGENT)}

${call('CallLifecycle/OnCallStart', START)}

${call('ExecutionLog/ListExecutions', { conversation_uuid: CONVERSATION })}

There is no api.example.com, so the call proceeds as "degraded", and the execution says why.${console}
README.md goes on from here. "make demo" shows the whole story with an endpoint that answers.
`;
}

function flagsFor({ tls, apiTokens }: Pick<Config, 'tls' | 'apiTokens'>): string[] {
  return [
    ...(tls === undefined ? ['-plaintext'] : []),
    ...(tls?.files.clientCa === undefined ? [] : ['-cert client.pem -key client.key']),
    ...(apiTokens === undefined ? [] : ['-H "authorization: Bearer $TOKEN"']),
  ];
}
