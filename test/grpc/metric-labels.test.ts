import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { healthClient } from '../support/health-client.ts';
import { METRIC_LIST } from '../support/metric-list.ts';
import { readMetrics } from '../support/metrics.ts';
import { startRawServer } from '../support/raw-server.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';

/** A sample of the page, with its labels. */
interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
}

function toSample(line: string): Sample {
  const [, name = '', labels = ''] =
    /^(\w+)(?:\{(.*)\})?$/.exec(line) ?? expect.fail(`not a sample: ${line}`);
  const pairs = Array.from(labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)",?/g), ([, label = '', value = '']) => {
    return [label, value] as const;
  });
  return { name, labels: new Map(pairs) };
}

/** Returns what is wrong with a sample by the list of metrics. */
function problemsOf({ name, labels }: Sample): string[] {
  const metric = METRIC_LIST.find(
    (listed) =>
      listed.name === name ||
      (listed.type === 'histogram' && new RegExp(`^${listed.name}_(bucket|sum|count)$`).test(name)),
  );
  if (metric === undefined) return [`${name} is not listed`];
  const own = [...labels].filter(([label]) => label !== 'le');
  const names = own.map(([label]) => label);
  if (names.join() !== Object.keys(metric.labels).join()) return [`${name} has the labels ${names.join()}`];
  return own
    .filter(([label, value]) => metric.labels[label]?.includes(value) !== true)
    .map(([label, value]) => `${name}: ${label} is ${value}`);
}

// Statuses that nobody has registered, texts where a number belongs, and a status that is too small.
const STATUSES = [
  '299 Odd',
  '450 x',
  '567 y',
  '599 z',
  '999 Denied',
  '600 a',
  '099 b',
  '2000 c',
  'abc d',
  '204 e',
];

describeEachEngine('The labels of the metrics', (engine) => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
  });
  after(() => app.close());

  const samples = async (): Promise<Sample[]> =>
    [...(await readMetrics(app.opsAddress)).keys()].map(toSample);
  const problems = async (): Promise<string[]> => (await samples()).flatMap(problemsOf);

  it('has each listed metric on the page, with its type and help, and no other', async () => {
    const text = await (await fetch(`http://${app.opsAddress}/metrics`)).text();
    const heads = text.split('\n').filter((line) => line.startsWith('#'));
    expect(heads).to.deep.equal(
      METRIC_LIST.flatMap(({ name, type, help }) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]),
    );
  });

  it('have the listed values alone after paths that are no RPC', async () => {
    const paths = [
      ...['/x', '/', '/callhooks.v1.CallLifecycle/OnCallStart2', '/callhooks.v1.Other/OnCallStart'],
      ...[`/${'a'.repeat(2_000)}/b`, '/callhooks.v1.CallLifecycle/OnCallStart?x=1', '/evil"} 1\\n/x'],
      ...Array.from({ length: 50 }, () => `/${randomUUID()}/${randomUUID()}`),
    ];
    const seen = (await samples()).length;
    for (const path of paths) await errorOf(app.rpc.raw(path, Buffer.alloc(0)));
    expect(await problems()).to.deep.equal([]);
    const others = (await samples()).filter(({ labels }) => labels.get('rpc_method') === '_OTHER');
    expect(others).to.not.be.empty;
    // One histogram for each status that these got.
    expect((await samples()).length - seen).to.be.lessThan(100);
  });

  it('have the listed values alone after refused, failed and cancelled RPCs, and probes of health', async () => {
    const client = healthClient(app.port);
    await client.check('');
    await client.check('no such service').catch(() => undefined);
    client[Symbol.dispose]();
    await errorOf(app.rpc.calls.onCallStart({ agentUuid: 'x' }));
    await errorOf(app.rpc.calls.onCallStart({ agentUuid: randomUUID(), conversationUuid: randomUUID() }));
    await errorOf(app.rpc.agents.getAgent({ agentUuid: randomUUID() }));
    await errorOf(app.rpc.raw('/callhooks.v1.AgentAdmin/GetAgent', Buffer.alloc(9_000)));
    await errorOf(app.rpc.raw('/callhooks.v1.AgentAdmin/GetAgent', Buffer.from([0xff, 0xff])));
    const silent = await startRawServer(() => undefined);
    const call = newCall(await makeAgent(app.rpc, { pre: postTo(silent.url) }));
    const cancel = new AbortController();
    const cancelled = errorOf(app.rpc.calls.onCallStart(call, { signal: cancel.signal }));
    await until('the request', () => silent.requestCount() > 0);
    cancel.abort();
    expect((await cancelled).code).to.equal('CANCELLED');
    await silent.close();
    expect(await problems()).to.deep.equal([]);
    const page = await readMetrics(app.opsAddress);
    const count = (method: string, code: string): number =>
      page.get(
        `rpc_server_call_duration_seconds_count{rpc_system_name="grpc",rpc_method="${method}",rpc_response_status_code="${code}"}`,
      ) ?? 0;
    expect(count('grpc.health.v1.Health/Check', 'OK')).to.equal(1);
    expect(count('grpc.health.v1.Health/Check', 'NOT_FOUND')).to.equal(1);
    expect(count('callhooks.v1.CallLifecycle/OnCallStart', 'INVALID_ARGUMENT')).to.equal(1);
    expect(count('callhooks.v1.CallLifecycle/OnCallStart', 'NOT_FOUND')).to.equal(1);
    expect(count('callhooks.v1.CallLifecycle/OnCallStart', 'CANCELLED')).to.equal(1);
    expect(count('callhooks.v1.AgentAdmin/GetAgent', 'INVALID_ARGUMENT')).to.equal(2);
    expect(page.get('callhooks_rpc_errors_total{reason="VALIDATION_FAILED"}')).to.equal(3);
    expect(page.get('callhooks_rpc_errors_total{reason="AGENT_NOT_FOUND"}')).to.equal(2);
  });

  it('have the listed values alone after responses with any status', async () => {
    let next = 0;
    const odd = await startRawServer((socket) => {
      socket.end(`HTTP/1.1 ${STATUSES[next++ % STATUSES.length]}\r\ncontent-length: 0\r\n\r\n`);
    });
    const agent = await makeAgent(app.rpc, { pre: postTo(odd.url), post: postTo(odd.url) });
    for (const _ of STATUSES) await app.rpc.calls.onCallStart(newCall(agent));
    const { execution } = await app.rpc.calls.onCallEnd(newCall(agent));
    await untilFinished(app.rpc, execution?.executionUuid);
    await odd.close();
    expect(await problems()).to.deep.equal([]);
    const statuses = new Set((await samples()).map(({ labels }) => labels.get('http_response_status_code')));
    expect([...statuses]).to.include.members(['2xx', '4xx', '5xx', '204', '']);
  });
});
