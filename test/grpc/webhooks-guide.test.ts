import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { readSamples, type SampleBlock } from '../support/page-samples.ts';
import { callWithJson } from '../support/proto-json.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { errorOf } from '../support/rpc.ts';

interface Tested {
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: readonly { readonly name: string; readonly value: string }[];
    readonly body?: string;
  };
}

/** Is a webhook of the page with the blocks that follow it. */
interface Sample {
  readonly webhook: SampleBlock;
  readonly rest: readonly SampleBlock[];
}

const PAGE = readFileSync(new URL('../../docs/webhooks-guide.md', import.meta.url), 'utf8');
const BLOCKS = readSamples(PAGE);
const AGENT = BLOCKS.find(({ kind }) => kind === 'agent')?.text ?? '';
const ORIGIN = 'https://crm.example.com';
const STARTS = BLOCKS.flatMap(({ kind }, index) => (kind === 'webhook' ? [index] : []));
const SAMPLES = STARTS.map((start, n): Sample => {
  const [webhook, ...rest] = BLOCKS.slice(start, STARTS[n + 1]) as [SampleBlock, ...SampleBlock[]];
  return { webhook, rest };
});

describeEachEngine('docs/webhooks-guide.md', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    receiver = await startReceiver();
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  const newAgent = async (): Promise<string> => {
    const agentUuid = randomUUID();
    const request = JSON.parse(AGENT) as { agent: object };
    await callWithJson(app.rpc, 'AgentAdmin/CreateAgent', {
      ...request,
      agent: { ...request.agent, agent_uuid: agentUuid },
    });
    return agentUuid;
  };

  /** Tests a webhook for a fresh agent of the page, whose id is then replaced by the one that the page shows. */
  async function test(webhook: string, call: string, send: boolean): Promise<Tested> {
    const agentUuid = await newAgent();
    const draft = JSON.parse(send ? webhook.replaceAll(ORIGIN, receiver.url) : webhook) as object;
    const request = { agent_uuid: agentUuid, ...draft, ...(JSON.parse(call) as object), send };
    const reply = await callWithJson<Tested>(app.rpc, 'WebhookAdmin/TestWebhook', request);
    const [shownUuid = ''] = /[0-9a-f-]{36}/.exec(AGENT) ?? [];
    return JSON.parse(JSON.stringify(reply).replaceAll(agentUuid, shownUuid)) as Tested;
  }

  it('has samples', () => {
    expect(SAMPLES).to.have.length.above(6);
  });

  for (const { webhook, rest } of SAMPLES) {
    const refused = rest.find(({ kind }) => kind === 'refused');
    const create = async () => {
      const draft = JSON.parse(webhook.text) as object;
      return callWithJson(app.rpc, 'WebhookAdmin/CreateWebhook', { agent_uuid: await newAgent(), ...draft });
    };
    if (refused === undefined)
      it(`saves the webhook of line ${webhook.line}`, async () => {
        await create();
      });
    else
      it(`refuses the webhook of line ${webhook.line} with the violations of line ${refused.line}`, async () => {
        const { violations } = await errorOf(create());
        const shown = violations.map(({ field, description }) => `${field}:\n  ${description}`).join('\n');
        expect(shown).to.equal(refused.text);
      });

    let call = '{}';
    let answer = { status: 200, body: '' };
    for (const block of rest) {
      if (block.kind === 'call') call = block.text;
      if (block.kind === 'answer') answer = { status: Number(block.argument), body: block.text };
      const [thisCall, thisAnswer] = [call, answer];
      if (block.kind === 'sends')
        it(`renders what line ${block.line} shows`, async () => {
          expectRequest((await test(webhook.text, thisCall, false)).request, block.text);
        });
      if (block.kind === 'gives')
        it(`gives what line ${block.line} shows`, async () => {
          receiver.respond(thisAnswer);
          expectPart(await test(webhook.text, thisCall, true), JSON.parse(block.text) as object);
        });
    }
  }
});

/** Compares a rendered request with its text: the line, the headers that are shown, and the body, JSON by its value. */
function expectRequest(request: Tested['request'], shown: string): void {
  const [head = '', body = ''] = shown.split(/\n\n([^]*)/);
  const [line, ...headers] = head.split('\n');
  expect(`${request.method} ${request.url}`).to.equal(line);
  const sent = request.headers.map(({ name, value }) => `${name}: ${value}`);
  expect(sent).to.include.members(headers);
  if (body.startsWith('{')) expect(JSON.parse(request.body ?? '')).to.deep.equal(JSON.parse(body));
  else expect(request.body ?? '').to.equal(body);
}

/** Expects each member that is shown. A failure may have more members than are shown. */
function expectPart(reply: object, shown: object): void {
  const { failure: shownFailure, ...shownRest } = shown as { failure?: object };
  const { failure = {} } = reply as { failure?: object };
  const decided = [
    'decision',
    'degraded',
    'rejected',
    'rejectReason',
    'assignedVariables',
    'missedAssignments',
  ];
  const given = Object.fromEntries(Object.entries(reply).filter(([name]) => decided.includes(name)));
  if ('assignedVariables' in given && Object.keys(given['assignedVariables'] as object).length === 0)
    delete given['assignedVariables'];
  expect(given).to.deep.equal(shownRest);
  if (shownFailure === undefined) expect(reply).not.to.have.property('failure');
  else expect(failure).to.include(shownFailure);
}
