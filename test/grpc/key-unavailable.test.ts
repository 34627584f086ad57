import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, readExecution, untilFinished } from '../support/calls.ts';
import { serverEngine, type FreshDatabase } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { readMetrics } from '../support/metrics.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { errorOf } from '../support/rpc.ts';
import { keyOf } from '../support/test-keys.ts';

const [OLD, NEW] = [keyOf('old', 1), keyOf('new', 2)];

// With SQLite there is one process, which does not start without a key that it needs.
const engine = serverEngine();
if (engine !== undefined) {
  describe(`A replica that lacks the key of a secret (${engine.name})`, () => {
    let database: FreshDatabase;
    let lacking: TestApp;
    let having: TestApp | undefined;
    let receiver: Receiver;

    // Both replicas work on one database, which is removed when both have ended.
    const start = (keys: string): Promise<TestApp> =>
      startTestApp(
        { ...engine, freshDatabase: async () => ({ ...database, cleanup: async () => undefined }) },
        { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8', CALLHOOKS_ENCRYPTION_KEYS: keys },
      );

    before(async () => {
      receiver = await startReceiver();
      database = await engine.freshDatabase();
      lacking = await start(OLD);
      having = await start(`${NEW},${OLD}`);
    });
    after(async () => {
      await receiver.close();
      await lacking.close();
      await having?.close();
      await database.cleanup();
    });

    /** Returns how often the replica without the key could not open a value. */
    const undecryptable = async () => {
      const page = await readMetrics(lacking.opsAddress);
      const count = (what: string): number =>
        page.get(`callhooks_undecryptable_total{what="${what}"}`) ?? NaN;
      return { secret: count('secret'), post_call: count('post_call') };
    };

    it('refuses starts and tests as KEY_UNAVAILABLE, leaves post-calls to another replica, and answers repeats', async function () {
      this.timeout(20_000);
      const body = ['{{secret.key}}'];
      const agent = await makeAgent((having as TestApp).rpc, {
        secrets: { key: 'a long secret' },
        pre: postTo(`${receiver.url}/pre`, body),
        post: postTo(`${receiver.url}/post`, body),
      });
      const call = newCall(agent);
      const error = await errorOf(lacking.rpc.calls.onCallStart(call));
      expect([error.code, error.reason]).to.deep.equal(['UNAVAILABLE', 'KEY_UNAVAILABLE']);
      expect(error.retryAfterMs).to.be.greaterThan(0);
      const { conversationUuid } = call;
      expect((await lacking.rpc.executions.listExecutions({ conversationUuid })).executions).to.deep.equal(
        [],
      );
      const test = { webhookUuid: agent.pre?.webhookUuid ?? '', send: true };
      expect((await errorOf(lacking.rpc.webhooks.testWebhook(test))).reason).to.equal('KEY_UNAVAILABLE');
      const before = await undecryptable();
      expect(before.secret).to.be.at.least(2);

      // Another replica takes the start, and this one answers repeats of it from the record.
      const reply = await (having as TestApp).rpc.calls.onCallStart(call);
      expect(outcomeOf(reply.execution as pb.Execution)).to.equal('SUCCEEDED');
      expect(await lacking.rpc.calls.onCallStart(call)).to.deep.equal({ ...reply, replayed: true });

      // While no replica has the key, a post-call is pending. A replica that has it takes it over.
      await having?.close();
      having = undefined;
      const { execution } = await lacking.rpc.calls.onCallEnd(call);
      await wait(1_500);
      expect((await undecryptable()).post_call).to.be.greaterThan(before.post_call);
      expect(outcomeOf(await readExecution(lacking.rpc, execution?.executionUuid))).to.equal('ACCEPTED');
      having = await start(`${NEW},${OLD}`);
      expect(outcomeOf(await untilFinished(having.rpc, execution?.executionUuid))).to.equal('SUCCEEDED');
      expect(receiver.requests.map(({ url, body }) => url + body)).to.deep.equal([
        '/pre["a long secret"]',
        '/post["a long secret"]',
      ]);
    });
  });
}
