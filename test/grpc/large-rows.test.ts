import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';

// Each row takes about half a megabyte in a statement of MySQL, where quotes are escaped twice.
const AT_ONCE = 40;

// A statement of more than 16 MiB breaks the connection to MySQL, and with it every call whose row is in it.
describeEachEngine('Many large rows at once', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    receiver = await startReceiver({ body: {} });
  });
  after(async () => {
    await receiver.close();
    await app.close();
  });

  /** Starts a call, and repeats it as its caller would while it is refused because it waited too long for its turn. */
  const startUntilTaken = async (
    agentUuid: string,
    conversationUuid: string,
  ): Promise<pb.OnCallStartResponse> => {
    for (;;) {
      try {
        return await app.rpc.calls.onCallStart({ agentUuid, conversationUuid });
      } catch (error) {
        if ((error as { reason?: string }).reason !== 'LIMIT_REACHED') throw error;
      }
    }
  };

  const largeDefaults = Object.fromEntries(
    Array.from({ length: 16 }, (_, index) => [`large_${index}`, '"'.repeat(7_800)]),
  );
  it(`are all recorded, for ${AT_ONCE} starts of an agent with large defaults`, async () => {
    const { agent } = await app.rpc.agents.createAgent({
      agent: {
        dynamicVariables: largeDefaults,
        webhooks: [
          {
            webhookType: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL,
            webhookConfig: { apiSchema: { url: receiver.url, method: 'POST' } },
          },
        ],
      },
    });
    const agentUuid = agent?.agentUuid ?? '';
    const replies = await Promise.all(
      Array.from({ length: AT_ONCE }, () => startUntilTaken(agentUuid, randomUUID())),
    );
    expect(replies.filter(({ execution }) => execution?.finishedAt !== undefined)).to.have.length(AT_ONCE);
  }).timeout(30_000);
});
