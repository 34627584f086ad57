const AGENT = '11111111-1111-4111-8111-111111111111';
const CONVERSATION = '22222222-2222-4222-8222-222222222222';

/** What a person who has just started the server may try, as commands to copy. */
export function nextSteps(grpcAddress: string): string {
  const call = (method: string, json: string) =>
    `  grpcurl -plaintext -d '${json}' ${grpcAddress} callhooks.v1.${method}`;
  return `
callhooks serves gRPC on ${grpcAddress}. Ctrl-C ends it. In another terminal:

  grpcurl -plaintext ${grpcAddress} list
${call('AgentAdmin/CreateAgent', `{"agent":{"agent_uuid":"${AGENT}","dynamic_variables":{"customer_name":"you"}}}`)}
${call('CallLifecycle/OnCallStart', `{"agent_uuid":"${AGENT}","conversation_uuid":"${CONVERSATION}","caller_phone":"+49301234567"}`)}
${call('ExecutionLog/ListExecutions', '{}')}

README.md goes on from here with webhooks; "make demo" shows the whole story.
`;
}
