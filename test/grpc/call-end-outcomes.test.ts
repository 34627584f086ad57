import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import type { Reply, Respond } from '../support/receiver.ts';
import type { Partially } from '../support/rpc.ts';
import { useAppWithReceiver } from './app-with-receiver.ts';

/** Says what the endpoint does, or what the webhook is, and the outcome of the report. */
interface Row {
  readonly title: string;
  readonly outcome: string;
  readonly reply?: Reply | Respond;
  readonly config?: Partially<pb.WebhookConfig>;
}

const destroy: Respond = (_, response) => void response.destroy();

const ROWS: readonly Row[] = [
  { title: 'status 204', outcome: 'SUCCEEDED', reply: { status: 204 } },
  { title: 'a response that is no JSON', outcome: 'SUCCEEDED', reply: { body: '<html>not JSON</html>' } },
  { title: 'a response of 1 MB', outcome: 'SUCCEEDED', reply: { body: 'x'.repeat(1_000_000) } },
  { title: 'status 500', outcome: 'FAILED HTTP_STATUS YES', reply: { status: 500 } },
  {
    title: 'a redirect',
    outcome: 'FAILED REDIRECT YES',
    reply: { status: 301, headers: { location: 'http://127.0.0.1/' } },
  },
  {
    title: 'a response after the time limit',
    outcome: 'FAILED TIMEOUT MAYBE',
    reply: { delayMs: 3_000 },
    config: { responseTimeoutSecs: 0.2 },
  },
  { title: 'a connection that breaks before its response', outcome: 'FAILED PROTOCOL MAYBE', reply: destroy },
  {
    title: 'a host that does not exist',
    outcome: 'FAILED DNS NO',
    config: { apiSchema: { url: 'http://outside.example/', method: 'POST' } },
  },
  {
    title: 'a URL with a missing value',
    outcome: 'FAILED RENDER NO',
    config: { apiSchema: { url: 'http://127.0.0.1/{{caller_phone}}/x', method: 'POST' } },
  },
];

describeEachEngine('The report of OnCallEnd', (engine) => {
  const test = useAppWithReceiver(engine, {});

  for (const { title, outcome, reply, config } of ROWS) {
    it(`ends as ${outcome} for ${title}`, async () => {
      if (reply) test.receiver.respond(reply);
      const post = postTo(`${test.receiver.url}/post`, undefined, config);
      const agent = await makeAgent(test.rpc, { post });
      const { execution } = await test.rpc.calls.onCallEnd(newCall(agent));
      const finished = await untilFinished(test.rpc, execution?.executionUuid);
      expect(outcomeOf(finished)).to.equal(outcome);
      if (finished.failure) expect(finished.failure.message).to.match(/\S/);
      const hasResponse = outcome === 'SUCCEEDED' || outcome.endsWith('YES');
      expect(finished.response !== undefined).to.equal(hasResponse);
    });
  }
});
