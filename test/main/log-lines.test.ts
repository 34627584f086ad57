import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PLANTED_SETTINGS, plantedEndpoint, plantedIn, playPlantedCalls } from '../support/planted-calls.ts';
import { playPlantedVisits } from '../support/planted-visits.ts';
import { startReceiver } from '../support/receiver.ts';
import { connect } from '../support/rpc.ts';
import { startProcess } from '../support/server-process.ts';

const PAGE = readFileSync(new URL('../../docs/logs.md', import.meta.url), 'utf8');
// The play of calls has no name to look up, no TLS and no error of callhooks.
const NOT_PLAYED = ['dns_ms', 'tls_ms', 'err'];
const REFUSED_ROLE_ONLY = { 'access refused': ['caller'] } as const;

/** Returns the names in the first column of a section's table. */
function fieldsInDocs(section: string): string[] {
  const text = PAGE.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? '';
  const rows = [...text.matchAll(/^\| (`[a-z_]+`(?:, `[a-z_]+`)*) +\|/gm)];
  return rows.flatMap(([, names = '']) => names.replaceAll('`', '').split(', '));
}

const COMMON = [...(PAGE.split(/^## /m)[0] ?? '').matchAll(/^\| `([a-z]+)`/gm)].map(([, name = '']) => name);

async function play() {
  const dataDir = mkdtempSync(join(tmpdir(), 'callhooks-secrecy-'));
  const endpoint = await startReceiver(plantedEndpoint);
  const server = startProcess(['serve'], {
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    CALLHOOKS_DATA_DIR: dataDir,
    ...PLANTED_SETTINGS,
  });
  const port = Number((await server.serving()).split(':').at(-1));
  const { opsAddress } = await server.logged(({ msg }) => msg === 'serving');
  const rpc = connect(port);
  const codes = await playPlantedCalls(rpc, endpoint, port);
  const statuses = await playPlantedVisits(String(opsAddress));
  const metrics = await (await fetch(`http://${String(opsAddress)}/metrics`)).text();
  await fetch(`http://${String(opsAddress)}/zqplantedopspath?zqplantedopsquery`);
  rpc.close();
  server.kill('SIGTERM');
  const ended = await server.ended();
  await endpoint.close();
  rmSync(dataDir, { recursive: true });
  const texts = ended.stdout.split('\n').slice(0, -1);
  return {
    ...ended,
    codes,
    statuses,
    metrics,
    lines: texts.map((text) => JSON.parse(text) as Record<string, unknown>),
  };
}

describe('plantedIn', () => {
  it('finds planted values in a text, and nothing in others', () => {
    expect(plantedIn('a=ZQPLANTEDbody&phone=%2B15550107733')).to.deep.equal(['ZQPLANTEDbody', '5550107733']);
    expect(plantedIn('{"msg":"rpc"}')).to.deep.equal([]);
  });
});

describe('What a server writes at log level trace', function () {
  this.timeout(120_000);
  let played: Awaited<ReturnType<typeof play>>;
  before(async () => {
    played = await play();
  });

  it('comes from calls that succeed, fail and are refused', () => {
    expect(played.exitCode).to.equal(0);
    expect(played.codes).to.deep.equal({
      ok: '',
      status: 'HTTP_STATUS',
      nojson: 'INVALID_RESPONSE',
      missing: 'ASSIGNMENT_MISSING',
      redirect: '',
      elsewhere: 'EGRESS_DENIED',
      reset: 'PROTOCOL',
      reject: '',
      tokenrefused: 'AUTH',
      tokengiven: '',
    });
    expect(played.metrics).to.contain('callhooks_executions_total');
    expect(played.statuses).to.deep.equal([403, 303, 200, 200, 404, 400, 404, 413, 303]);
  });

  it('has no phone number, path, query, variable, body, header, token or secret in it', () => {
    const { stdout, stderr, metrics } = played;
    expect(plantedIn(`${stdout}${stderr}${metrics}`)).to.deep.equal([]);
  });

  for (const kind of ['rpc', 'execution', 'audit', 'access refused'])
    it(`has the fields of docs/logs.md, and no others, in its lines "${kind}"`, () => {
      const lines = played.lines.filter(({ msg }) => msg === kind);
      const found = new Set(lines.flatMap((line) => Object.keys(line)));
      const missed = kind === 'access refused' ? [...NOT_PLAYED, ...REFUSED_ROLE_ONLY[kind]] : NOT_PLAYED;
      const documented = [...COMMON, ...fieldsInDocs(kind)].filter((field) => !missed.includes(field));
      expect([...found].toSorted()).to.deep.equal(documented.toSorted());
    });

  it('has only lines that docs/logs.md names', () => {
    const messages = new Set(played.lines.map(({ msg }) => String(msg)));
    for (const message of messages) expect(PAGE).to.match(new RegExp(`^(## |\\| \`)${message}`, 'm'));
  });

  it('has the ids of a failed pre-call, its phases and its trace in one line', () => {
    const line = played.lines.find(
      ({ msg, failure_code: code }) => msg === 'execution' && code === 'HTTP_STATUS',
    );
    expect(line).to.include({
      webhook_type: 'pre_call',
      outcome: 'failed',
      sent: 'yes',
      status: 500,
      recorded: true,
    });
    expect(line?.['origin']).to.match(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(line).to.include({ decision: 'proceed_degraded', trace_id: '1'.repeat(32) });
    for (const name of ['request_id', 'agent_uuid', 'conversation_uuid', 'execution_uuid', 'webhook_uuid'])
      expect(line?.[name]).to.match(/^[0-9a-f-]{36}$/);
    for (const name of ['duration_ms', 'queued_ms', 'first_byte_ms', 'total_ms'])
      expect(line?.[name]).to.be.a('number').and.at.least(0);
  });
});
