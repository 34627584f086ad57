import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import type { LifecycleCase } from '../support/lifecycle-case.ts';
import { playLifecycleCase } from '../support/play-lifecycle-case.ts';
import { startReceiver } from '../support/receiver.ts';

function vectorsOf(file: string): readonly LifecycleCase[] {
  return (
    JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8')) as {
      cases: LifecycleCase[];
    }
  ).cases;
}

describeEachEngine('The lifecycle of a call', (engine) => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
  });
  after(() => app.close());

  for (const file of ['lifecycle.json', 'lifecycle-more.json']) {
    describe(file, () => {
      for (const vector of vectorsOf(file)) it(vector.name, () => playLifecycleCase(app.rpc, vector));
    });
  }

  it('sends one request for 200 starts at once of one conversation, and answers 200 equal replies', async () => {
    const receiver = await startReceiver({ body: { customer_name: 'Ada' }, delayMs: 100 });
    try {
      const { agent } = await app.rpc.agents.createAgent({
        agent: {
          dynamicVariables: { customer_name: '' },
          webhooks: [
            {
              webhookType: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL,
              webhookConfig: {
                apiSchema: { url: receiver.url, method: 'POST', requestBody: { phone: '{{caller_phone}}' } },
                assignments: [{ attributeName: 'customer_name', dynamicVariable: 'customer_name' }],
              },
            },
          ],
        },
      });
      const call = {
        agentUuid: agent?.agentUuid ?? '',
        conversationUuid: randomUUID(),
        callerPhone: '+14155550123',
      };
      const replies = await Promise.all(Array.from({ length: 200 }, () => app.rpc.calls.onCallStart(call)));
      expect(receiver.requests).to.have.length(1);
      expect(replies.filter(({ replayed }) => replayed)).to.have.length(199);
      const first = { ...replies[0], replayed: false };
      for (const reply of replies) expect({ ...reply, replayed: false }).to.deep.equal(first);
      expect(first.dynamicVariables).to.deep.equal({ customer_name: 'Ada' });
    } finally {
      await receiver.close();
    }
  });
});
