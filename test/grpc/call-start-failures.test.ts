import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo, readExecution } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import type { Reply, Respond } from '../support/receiver.ts';
import type { Partially } from '../support/rpc.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

const { CALL_DECISION_PROCEED: proceed, CALL_DECISION_BLOCK: block } = pb.CallDecision;
const { VARIABLE_SOURCE_DEFAULT: byDefault } = pb.VariableSource;
const REPLY = { body: { name: 'Ada', tier: { level: 3 } } };

/** Describes a pre-call that fails: what the endpoint does, or what the webhook is, and the outcome. */
interface Failing {
  readonly title: string;
  readonly outcome: string;
  readonly reply?: Respond | Reply;
  readonly url?: (url: string) => string;
  readonly status?: number;
  readonly required?: boolean;
  readonly config?: Partially<pb.WebhookConfig>;
}

describeEachEngine('OnCallStart, when its webhook fails:', (engine) => {
  const test = useAppWithReceiver(engine, REPLY);

  const destroy: Respond = (_, response) => void response.destroy();
  const long = JSON.stringify({ name: 'x'.repeat(256 * 1024) });
  const rows: readonly Failing[] = [
    {
      title: 'status 503',
      outcome: 'FAILED HTTP_STATUS YES',
      reply: { status: 503, body: 'down' },
      status: 503,
    },
    { title: 'status 404', outcome: 'FAILED HTTP_STATUS YES', reply: { status: 404 }, status: 404 },
    {
      title: 'a redirect',
      outcome: 'FAILED REDIRECT YES',
      reply: { status: 302, headers: { location: '/x' } },
      status: 302,
    },
    {
      title: 'a response that is no JSON',
      outcome: 'FAILED INVALID_RESPONSE YES',
      reply: { body: '<html>' },
      status: 200,
    },
    {
      title: 'a response that is named gzip and is not',
      outcome: 'FAILED INVALID_RESPONSE YES',
      reply: { body: '{}', headers: { 'content-encoding': 'gzip' } },
      status: 200,
    },
    {
      title: 'a response of more than 256 KiB',
      outcome: 'FAILED RESPONSE_TOO_LARGE YES',
      reply: { body: long },
      status: 200,
    },
    {
      title: 'a response without a required attribute',
      outcome: 'FAILED ASSIGNMENT_MISSING YES',
      reply: { body: { other: 1 } },
      status: 200,
      required: true,
    },
    {
      title: 'a response after the time limit',
      outcome: 'FAILED TIMEOUT MAYBE',
      reply: { delayMs: 5_000 },
      config: { responseTimeoutSecs: 0.2 },
    },
    {
      title: 'a connection that breaks before its response',
      outcome: 'FAILED PROTOCOL MAYBE',
      reply: destroy,
    },
    {
      title: 'a URL with a missing value',
      outcome: 'FAILED RENDER NO',
      url: (url) => `${url}/{{missing}}/x`,
    },
    {
      title: 'a host with a private address',
      outcome: 'FAILED EGRESS_DENIED NO',
      url: () => 'http://inside.example/',
    },
    { title: 'a host that does not exist', outcome: 'FAILED DNS NO', url: () => 'http://outside.example/' },
    {
      title: 'TLS with a server that speaks plain HTTP',
      outcome: 'FAILED TLS NO',
      url: (url) => url.replace('http:', 'https:'),
    },
    {
      title: 'a port where nothing listens',
      outcome: 'FAILED CONNECT NO',
      url: () => `http://127.0.0.1:${closedPort}/`,
    },
  ];
  let closedPort = 0;
  before(async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    closedPort = (server.address() as AddressInfo).port;
    server.close();
    await once(server, 'close');
  });

  for (const row of rows) {
    for (const policy of [proceed, block]) {
      it(`${row.title} ends as ${row.outcome}, and the decision is ${policy === block ? 'BLOCK' : 'PROCEED'}`, async () => {
        if (row.reply) test.receiver.respond(row.reply);
        const agent = await makeAgent(test.rpc, {
          variables: { name: 'nobody', missing: null },
          pre: postTo((row.url ?? String)(test.receiver.url), undefined, {
            failurePolicy: policy as pb.FailurePolicy,
            assignments: [
              { attributeName: 'name', dynamicVariable: 'name', required: row.required ?? false },
            ],
            ...row.config,
          }),
        });
        const call = newCall(agent);
        const reply = await test.rpc.calls.onCallStart(call);
        const execution = reply.execution as pb.Execution;
        expect(outcomeOf(execution)).to.equal(row.outcome);
        expect(execution.failure?.message).to.match(/\S/);
        const decided = { decision: policy, degraded: policy === proceed };
        expect(reply).to.include(decided);
        expect(execution).to.include({ ...decided, failurePolicy: policy });
        // No assignment is made when the webhook has failed.
        expect(reply.dynamicVariables).to.deep.equal({ name: 'nobody', missing: null });
        expect(reply.variableSources).to.deep.equal({ name: byDefault, missing: byDefault });
        const { request, response } = await readExecution(test.rpc, execution.executionUuid);
        expect(request === undefined).to.equal(row.outcome.includes('RENDER'));
        expect(response?.status).to.equal(row.status);
        expect(await test.rpc.calls.onCallStart(call)).to.deep.equal({ ...reply, replayed: true });
      });
    }
  }
});
