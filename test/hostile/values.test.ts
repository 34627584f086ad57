import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall, postTo, readExecution, untilFinished } from '../support/calls.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { withRawServer } from '../support/raw-server.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { errorOf } from '../support/rpc.ts';
import { recordWords } from './support/record-words.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork } from './support/time-rules.ts';
import { startWatchedServer, type Toll, type WatchedServer } from './support/watched-server.ts';

// The table shows the truth. This bound fits a machine that does other things too; the attacks took seconds.
const MOST_BUSY_MS = 400;
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

const manyMembers = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`member-${i}`, `value "${i}" of a call`]));

describe('Values that are made to take long', () => {
  let server: WatchedServer;
  let receiver: Receiver;
  before(async () => {
    server = await startWatchedServer({ CALLHOOKS_MAX_RESPONSE_BYTES: String(MAX_RESPONSE_BYTES) });
    receiver = await startReceiver();
  });
  after(async () => {
    await receiver.close();
    await server.close();
  });
  beforeEach(() => receiver.respond({ body: {} }));

  async function report(attack: string, toll: Toll, record: string): Promise<void> {
    reportAttack({ attack, ...toll, record });
    await expectShortWork(toll, MOST_BUSY_MS);
  }

  async function start(agent: { agentUuid: string }, call: object = {}) {
    const request = { ...newCall(agent as Parameters<typeof newCall>[0]), ...call };
    const { result, toll } = await server.measure(() => server.rpc.calls.onCallStart(request));
    return { execution: result.execution as pb.Execution, toll };
  }

  const quotes = { text: '"'.repeat(300_000) };
  const templates: [title: string, config: (url: string) => Parameters<typeof postTo>][] = [
    ['a URL', (url) => [`${url}/?${'{{metadata}}&'.repeat(280)}`]],
    ['a URL, as a text', (url) => [`${url}/?${'{{metadata.text}}&'.repeat(200)}`]],
    ['a body', (url) => [url, '{{metadata}}'.repeat(5_000)]],
  ];
  for (const [place, config] of templates) {
    it(`fails a call as RENDER when ${place} would hold 300,000 quotes hundreds of times`, async () => {
      const agent = await makeAgent(server.rpc, { pre: postTo(...config(receiver.url)) });
      const { execution, toll } = await start(agent, { metadata: quotes });
      await report(`300,000 quotes hundreds of times in ${place}`, toll, recordWords(execution));
      expect(outcomeOf(execution)).to.equal('FAILED RENDER NO');
    });
  }

  // Each is the most that a call may bring in its way, so it is legal. 4 KiB of the body are recorded.
  const large: [title: string, body: unknown, metadata: object][] = [
    ['3 MB of text', { m: '{{metadata}}' }, { a: 'x'.repeat(3_000_000) }],
    ['1.5 million quotes', { m: '{{metadata}}' }, { a: '"'.repeat(1_500_000) }],
    ['500,000 control characters', { m: '{{metadata}}' }, { a: '\u0001'.repeat(500_000) }],
    ['a million characters beyond Latin-1', { m: '{{metadata}}' }, { a: '€'.repeat(1_000_000) }],
    ['2 MB of text in a text', 'text: {{metadata.a}}', { a: 'é'.repeat(1_000_000) }],
    ['60,000 members', { m: '{{metadata}}' }, manyMembers(60_000)],
    ['90,000 items', { m: '{{metadata}}' }, { a: Array.from({ length: 90_000 }, (_, i) => i / 7) }],
    [
      '3 MB of text beside a secret',
      { m: '{{metadata}}', s: '{{secret.token}}' },
      { a: 'x'.repeat(3_000_000) },
    ],
    ['5,000 placeholders of 800 bytes', '{{metadata.a}}'.repeat(4_500), { a: '"'.repeat(900) }],
  ];
  for (const [title, body, metadata] of large) {
    it(`sends a body of ${title}, 5 at once`, async function () {
      this.timeout(60_000);
      const agent = await makeAgent(server.rpc, {
        secrets: { token: 'x"'.repeat(8_000) },
        pre: postTo(receiver.url, body),
        post: postTo(receiver.url, body),
      });
      const calls = Array.from({ length: 5 }, () => ({ ...newCall(agent), metadata: metadata as never }));
      const { result, toll } = await server.measure(() =>
        Promise.all(calls.map((call) => server.rpc.calls.onCallStart(call))),
      );
      const words = new Set(result.map(({ execution }) => recordWords(execution as pb.Execution)));
      await report(`(legal) a body of ${title}, 5 at once`, toll, [...words].join());
      expect(words).to.deep.equal(new Set([recordWords(result[0]?.execution as pb.Execution)]));
      const ended = await server.measure(async () => {
        const { execution } = await server.rpc.calls.onCallEnd({
          ...newCall(agent),
          metadata: metadata as never,
        });
        return untilFinished(server.rpc, execution?.executionUuid);
      });
      await report(`(legal) a post-call with a body of ${title}`, ended.toll, recordWords(ended.result));
    });
  }

  it('masks a response of 990 headers with 9,000 values to mask, and records 100 of them', async () => {
    const word = (header: number, i: number) => `word-${header}-${i}`;
    const words = (header: number) => Array.from({ length: 300 }, (_, i) => word(header, i)).join(';');
    const requestHeaders = Object.fromEntries(
      Array.from({ length: 31 }, (_, header) => [`X-${header}-Token`, words(header)]),
    );
    const head = Array.from({ length: 990 }, (_, i) => `a${i}: ${word(i % 31, i % 300)}\r\n`).join('');
    await withRawServer(
      (socket) => socket.end(`HTTP/1.1 200 OK\r\n${head}Content-Length: 2\r\n\r\n{}`),
      async ({ url }) => {
        const apiSchema = { url, method: 'POST', requestHeaders };
        const agent = await makeAgent(server.rpc, { pre: { apiSchema } });
        const { execution, toll } = await start(agent);
        await report('990 headers that echo 9,000 sensitive words', toll, recordWords(execution));
        const record = await readExecution(server.rpc, execution.executionUuid);
        expect(record.response?.headers).to.have.length(100);
        expect(JSON.stringify(record.response?.headers)).not.to.match(/word-/);
      },
    );
  });

  const names = Array.from({ length: 64 }, (_, i) => `v${i}`);
  it('measures one large value of 64 assignments once', async () => {
    receiver.respond({ body: { large: Array.from({ length: 500_000 }, () => 'ab') } });
    const assignments = names.map((dynamicVariable) => ({ attributeName: 'large', dynamicVariable }));
    await startWithAssignments(assignments, '64 assignments of one value of 2.5 MB');
  });

  const inner: [title: string, value: object][] = [
    ['250,000 items', Array.from({ length: 250_000 }, () => 'abcdef')],
    [
      '100,000 members',
      Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`name-${i}`, 'abcdef'])),
    ],
  ];
  for (const [title, value] of inner) {
    it(`measures no more than may be assigned of 64 values in one another, with ${title}`, async () => {
      let nested: object = { items: value };
      for (let level = 0; level < 15; level += 1) nested = { a: nested };
      receiver.respond({ body: nested });
      const assignments = names.map((dynamicVariable, i) => ({
        attributeName: Array.from({ length: 1 + (i % 15) }, () => 'a').join('.'),
        dynamicVariable,
      }));
      await startWithAssignments(assignments, `64 assignments of values in one another, ${title}`);
    });
  }

  async function startWithAssignments(
    assignments: { attributeName: string; dynamicVariable: string }[],
    attack: string,
  ): Promise<void> {
    const variables = Object.fromEntries(names.map((name) => [name, null]));
    const pre = postTo(receiver.url, {}, { assignments });
    const agent = await makeAgent(server.rpc, { variables, pre });
    const { execution, toll } = await start(agent);
    await report(attack, toll, recordWords(execution));
    const { missedAssignments } = await readExecution(server.rpc, execution.executionUuid);
    expect(new Set(missedAssignments.map(({ reason }) => reason))).to.deep.equal(
      new Set([pb.MissReason.MISS_REASON_TOO_LARGE]),
    );
    expect(missedAssignments).to.have.length(64);
  }

  it('refuses to remove 128 variables, and parses the two large templates that use them once', async () => {
    const variables = Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`v${i}`, null]));
    const body = (i: number) => `{{v${i % 128}}}`;
    const requestBody = Array.from({ length: 7_000 }, (_, i) => body(i)).join('');
    const webhook = postTo(receiver.url, requestBody);
    const { agentUuid } = await makeAgent(server.rpc, { variables, pre: webhook, post: webhook });
    const { result, toll } = await server.measure(() =>
      errorOf(
        server.rpc.agents.updateAgent({
          agent: { agentUuid, dynamicVariables: {} },
          updateMask: ['dynamic_variables'],
        }),
      ),
    );
    await report('UpdateAgent without 128 variables that 14,000 placeholders use', toll, result.reason ?? '');
    expect(result.reason).to.equal('VARIABLE_IN_USE');
  });
});

describe('A value that would change the structure of a body', () => {
  let server: WatchedServer;
  let receiver: Receiver;
  before(async () => {
    server = await startWatchedServer();
    receiver = await startReceiver();
  });
  after(async () => {
    await receiver.close();
    await server.close();
  });

  function withType(type: string, requestBody: unknown): Partial<pb.WebhookConfig> {
    const apiSchema = {
      url: receiver.url,
      method: 'POST',
      requestHeaders: { 'Content-Type': type },
      requestBody,
    };
    return { apiSchema } as unknown as Partial<pb.WebhookConfig>;
  }

  for (const type of [
    'application/x-ndjson',
    'application/json-seq',
    'application/x-json',
    'text/json',
    'a/b+json',
  ]) {
    it(`is refused as a part of a text of type ${type} when the webhook is saved`, async () => {
      const pre = withType(type, '{"name":"{{metadata.name}}"}');
      const error = await errorOf(makeAgent(server.rpc, { pre }));
      expect(error.reason).to.equal('VALIDATION_FAILED');
    });
  }

  it('is escaped in a text of type text/html', async () => {
    const pre = withType('text/html', '<p title="{{metadata.name}}">');
    const agent = await makeAgent(server.rpc, { pre });
    const metadata = { name: `"><script>'&` };
    await server.rpc.calls.onCallStart({ ...newCall(agent), metadata });
    expect(receiver.requests.at(-1)?.body).to.equal('<p title="&quot;&gt;&lt;script&gt;&apos;&amp;">');
  });

  it('stays inside of its text in a JSON body', async () => {
    const pre = withType('application/x-ndjson', { name: '{{metadata.name}}', text: 'a {{metadata.name}}' });
    const agent = await makeAgent(server.rpc, { pre });
    const name = '","admin":true,"x":"\n{"admin":true}';
    await server.rpc.calls.onCallStart({ ...newCall(agent), metadata: { name } });
    expect(JSON.parse(receiver.requests.at(-1)?.body ?? '')).to.deep.equal({ name, text: `a ${name}` });
  });
});

describe('A data folder that everybody may open', () => {
  it('has no file that anybody but its owner may open', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'callhooks-open-'));
    chmodSync(dataDir, 0o755);
    const server = await startWatchedServer({ CALLHOOKS_DATA_DIR: dataDir });
    try {
      await makeAgent(server.rpc, {});
      const modes = readdirSync(dataDir).map((name) => [name, modeOf(join(dataDir, name))] as const);
      expect(Object.fromEntries(modes)).to.include({ 'callhooks.db': 0o600, 'callhooks.db-wal': 0o600 });
      for (const [name, mode] of modes) expect(mode & 0o077, name).to.equal(0);
    } finally {
      await server.close();
      rmSync(dataDir, { recursive: true });
    }
  });
});

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}
