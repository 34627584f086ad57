import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { readSamples } from '../support/page-samples.ts';
import { callWithJson } from '../support/proto-json.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';

interface Example {
  readonly documentation: string;
  readonly create_agent: {
    readonly agent: {
      readonly agent_uuid: string;
      readonly webhooks: readonly { readonly webhook_config: object }[];
    };
    readonly secrets: Readonly<Record<string, string>>;
  };
}

const ROOT = new URL('../../', import.meta.url);
const PAGE = readFileSync(new URL('docs/migrating.md', ROOT), 'utf8');
const CONFIGS = readSamples(PAGE).filter(({ kind }) => kind === 'config');

const readExample = (name: string): Example =>
  JSON.parse(readFileSync(new URL(`examples/migrating/${name}.json`, ROOT), 'utf8')) as Example;

describe('docs/migrating.md', () => {
  it('has a configuration for each product', () => {
    const products = CONFIGS.map(({ argument }) => argument.split('-')[0]);
    expect(new Set(products)).to.deep.equal(new Set(['elevenlabs', 'vapi', 'retell', 'telnyx']));
  });

  for (const { argument, text } of CONFIGS) {
    it(`shows the webhook of examples/migrating/${argument}.json, and its source`, () => {
      const { documentation, create_agent: request } = readExample(argument);
      expect(JSON.parse(text)).to.deep.equal(request.agent.webhooks[0]?.webhook_config);
      expect(PAGE).to.include(documentation);
    });
  }
});

describeEachEngine('An endpoint that was written for Retell', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    receiver = await startReceiver({ body: { call_inbound: { reject: true } } });
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  it('gets a signature as Retell makes it, and turns a call away', async () => {
    const { create_agent: request } = readExample('retell-inbound');
    const moved = JSON.stringify(request).replaceAll('https://api.example.com', receiver.url);
    await callWithJson(app.rpc, 'AgentAdmin/CreateAgent', JSON.parse(moved) as object);
    const reply = await callWithJson<object>(app.rpc, 'CallLifecycle/OnCallStart', {
      agent_uuid: request.agent.agent_uuid,
      conversation_uuid: randomUUID(),
    });
    expect(reply).to.include({ decision: 'CALL_DECISION_BLOCK', rejected: true });
    const [sent] = await receiver.waitFor(1);
    const header = String(sent?.headers['x-retell-signature']);
    const [, timestamp = '', digest] = /^v=(\d{13}),d=([0-9a-f]{64})$/.exec(header) ?? [];
    const key = request.secrets['RETELL_KEY'] ?? '';
    expect(digest).to.equal(createHmac('sha256', key).update(`${sent?.body}${timestamp}`).digest('hex'));
    expect(Number(timestamp)).to.be.closeTo(Date.now(), 60_000);
  });
});
