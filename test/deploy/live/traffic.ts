import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo, type CallAgent } from '../../support/calls.ts';
import { startReceiver, type Receiver } from '../../support/receiver.ts';
import { connect, errorOf, type Partially, type Rpc } from '../../support/rpc.ts';
import { TOKENS, withToken } from '../../support/tokens.ts';

/** Calls of every kind, which go on until they are stopped. */
export interface Traffic {
  /** Lets every webhook fail from now on. */
  failAll(): Promise<void>;
  stop(): Promise<void>;
}

const CA = new URL('../../support/certs/ca.pem', import.meta.url);
const PAUSE_MS = 200;

/**
 * Makes calls of every kind, round after round.
 * @param rpc a server that needs no tokens
 * @param guardedPort the port of a server with TLS that does
 */
export async function startTraffic(rpc: Rpc, guardedPort: number): Promise<Traffic> {
  const endpoint = await startReceiver(({ url }) =>
    url === '/token'
      ? { body: { access_token: 'token-of-the-endpoint', expires_in: 1 } }
      : { status: Number(url.slice(1)), body: { name: 'Ada' } },
  );
  const agents = await makeAgents(rpc, endpoint);
  const guarded = connect(guardedPort, credentials.createSsl(readFileSync(CA)));
  const plaintext = connect(guardedPort);
  let isOver = false;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= endpoint.close());
  const rounds = async (): Promise<void> => {
    while (!isOver) {
      await Promise.all(agents.map((agent) => callOnce(rpc, agent)));
      await makeMistakes(rpc);
      await knockOn(guarded, plaintext);
      await wait(PAUSE_MS);
    }
  };
  const ended = rounds();
  // Nobody waits for the rounds before the end.
  ended.catch(() => undefined);
  return {
    failAll: close,
    stop: async () => {
      isOver = true;
      await ended;
      guarded.close();
      plaintext.close();
      await close();
    },
  };
}

async function makeAgents(rpc: Rpc, { url }: Receiver): Promise<readonly CallAgent[]> {
  const { FAILURE_POLICY_BLOCK: failurePolicy } = pb.FailurePolicy;
  const rejection = { httpStatuses: [403] };
  const assignments = [{ attributeName: 'name', dynamicVariable: 'name' }];
  const pairs: readonly (readonly [string, Partially<pb.WebhookConfig>])[] = [
    ['200', { assignments }],
    ['500', {}],
    ['503', { failurePolicy }],
    ['403', { rejection }],
  ];
  const made = pairs.map(([status, more]) =>
    makeAgent(rpc, {
      variables: { name: 'you' },
      pre: postTo(`${url}/${status}`, { caller: '{{caller_phone}}' }, more),
      post: postTo(`${url}/${status}`, { summary: '{{call_summary}}' }),
    }),
  );
  return Promise.all([...made, makeOauth2Agent(rpc, url)]);
}

// A token that is valid for a second is fetched again and again.
function makeOauth2Agent(rpc: Rpc, url: string): Promise<CallAgent> {
  const value = {
    tokenUrl: `${url}/token`,
    clientId: '{{secret.CLIENT}}',
    clientSecret: '{{secret.SECRET}}',
  };
  return makeAgent(rpc, {
    secrets: { CLIENT: 'the-client', SECRET: 'hunter2-hunter2' },
    pre: { apiSchema: { url: `${url}/200`, method: 'GET', auth: { method: { $case: 'oauth2', value } } } },
  });
}

async function callOnce(rpc: Rpc, agent: CallAgent): Promise<void> {
  const call = { ...newCall(agent), callerPhone: '+14155550123' };
  await rpc.calls.onCallStart(call);
  await rpc.calls.onCallStart({ ...call, callerPhone: '+14155550199' });
  await rpc.calls.onCallEnd({ ...call, callSummary: 'They talked.' });
}

async function makeMistakes(rpc: Rpc): Promise<void> {
  await errorOf(rpc.calls.onCallStart(newCall({ agentUuid: '11111111-1111-4111-8111-111111111111' })));
  await errorOf(makeAgent(rpc, { pre: postTo('http://10.0.0.1/forbidden') }));
  await errorOf(rpc.raw('/callhooks.v1.CallLifecycle/NoSuchMethod', new Uint8Array()));
  await rpc.agents.listAgents({ pageSize: 1 });
  await rpc.executions.listExecutions({ pageSize: 1 });
}

async function knockOn(guarded: Rpc, plaintext: Rpc): Promise<void> {
  await guarded.agents.listAgents({}, withToken(TOKENS.viewer));
  await errorOf(guarded.agents.listAgents());
  await errorOf(guarded.agents.listAgents({}, withToken('no-token-of-anybody')));
  await errorOf(guarded.agents.createAgent({}, withToken(TOKENS.viewer)));
  await errorOf(plaintext.agents.listAgents({}, { deadlineMs: 1_000 }));
}
