import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import { runProgram } from './programs.ts';
import { describeWith, TOOLS } from './tools.ts';

const PROTO = join(import.meta.dirname, '../../proto');
const CLIENT = join(import.meta.dirname, 'python/client.py');

type Json = null | string | number | boolean | Json[] | { [name: string]: Json };

/** The report that client.py prints. */
interface Report {
  readonly agent: Record<string, Json>;
  readonly read_again: Record<string, Json>;
  readonly start: Record<string, Json>;
  readonly repeat: Record<string, Json>;
  readonly accepted: { readonly execution: Record<string, Json> };
  readonly execution: {
    readonly state: string;
    readonly webhook_type: string;
    readonly request: { body: string };
  };
  readonly mistake: Record<string, Json>;
  readonly too_deep: { readonly code: string; readonly violations: readonly string[] };
}

/** Returns the same value as `nested` of client.py. */
function nested(depth: number): Json {
  let value: Json = 'innermost ü 👍';
  for (let level = depth; level > 0; level -= 1)
    value = level % 2 === 1 ? { level, inner: value } : [level, null, value];
  return value;
}

const DEEP = nested(24);

describeWith(['python'], 'A Python client that is generated from the published protos', function () {
  this.timeout(60_000);
  const open: (() => Promise<void>)[] = [];
  let server: BuiltServer;
  let endpoint: Receiver;
  let generated: string;
  let report: Report;

  before(async () => {
    endpoint = await startReceiver({ body: { answer: DEEP } });
    open.push(endpoint.close);
    server = await startBuiltServer();
    open.push(server.stop);
    generated = await generate();
    open.push(() => rm(generated, { recursive: true, force: true }));
    const { exitCode, stdout, stderr } = await runProgram(
      TOOLS.python,
      [CLIENT, server.address, `${endpoint.url}/crm`],
      { env: { PATH: process.env['PATH'], PYTHONPATH: generated, PYTHONDONTWRITEBYTECODE: '1' } },
    );
    expect(exitCode, stderr).to.equal(0);
    report = JSON.parse(stdout) as Report;
  });
  after(async () => {
    for (const close of open.toReversed()) await close();
  });

  it('creates an agent, and reads it back equal', () => {
    expect(report.agent).to.deep.include({ display_name: 'Front desk', secret_names: ['TOKEN'] });
    expect(report.read_again).to.deep.equal(report.agent);
  });

  it('starts a call, and gets the same reply to a repeat', () => {
    expect(report.start).to.deep.include({
      decision: 'CALL_DECISION_PROCEED',
      variable_sources: {
        answer: 'VARIABLE_SOURCE_ASSIGNMENT',
        deep: 'VARIABLE_SOURCE_DEFAULT',
        given: 'VARIABLE_SOURCE_REQUEST',
      },
    });
    expect(report.repeat).to.deep.equal({ ...report.start, replayed: true });
  });

  it('ends a call, and reads its execution', () => {
    expect(report.accepted.execution).to.include({ state: 'EXECUTION_STATE_ACCEPTED' });
    expect(report.execution).to.include({
      state: 'EXECUTION_STATE_SUCCEEDED',
      webhook_type: 'WEBHOOK_TYPE_POST_CALL',
    });
    expect(JSON.parse(report.execution.request.body)).to.deep.equal({
      seconds: 142.5,
      summary: 'Asked about an order. 👍',
      answer: DEEP,
    });
  });

  it("decodes the details of an error with google.rpc's own classes", () => {
    expect(report.mistake).to.deep.include({
      code: 'INVALID_ARGUMENT',
      reason: 'VALIDATION_FAILED',
      domain: 'callhooks',
      count: '2',
      violations: ['agent_uuid', 'conversation_uuid'],
    });
  });

  it('sends and receives JSON of depth 24', () => {
    expect(report.read_again['dynamic_variables']).to.deep.include({ deep: DEEP });
    expect(report.start['dynamic_variables']).to.deep.equal({ answer: DEEP, deep: DEEP, given: DEEP });
    const sent = JSON.parse(endpoint.requests[0]?.body ?? '') as Json;
    expect(sent).to.deep.equal({ phone: '+49301234567', given: DEEP, metadata: DEEP });
  });

  it('gets the path of a value that is deeper', () => {
    expect(report.too_deep).to.deep.include({ code: 'INVALID_ARGUMENT', reason: 'VALIDATION_FAILED' });
    expect(report.too_deep.violations.join()).to.match(/^dynamic_variables\.given\.inner\[2\]/);
  });

  it('causes two requests to the endpoint in all', () => {
    expect(endpoint.requests).to.have.lengthOf(2);
  });
});

/** Generates the Python modules into a temporary folder. */
async function generate(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'callhooks-python-'));
  const protos = (await readdir(join(PROTO, 'callhooks/v1'))).map((name) => join('callhooks/v1', name));
  const out = [`--python_out=${folder}`, `--grpc_python_out=${folder}`];
  const args = ['-m', 'grpc_tools.protoc', `-I${PROTO}`, ...out, ...protos];
  const { exitCode, stderr } = await runProgram(TOOLS.python, args);
  expect(exitCode, stderr).to.equal(0);
  return folder;
}
