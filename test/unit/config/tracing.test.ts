import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { parseConfig } from '../../../src/config/config.ts';
import { readTracing, TRACING_VARIABLES, tracingReport } from '../../../src/config/tracing.ts';
import { ConfigError } from '../../../src/errors.ts';

type Environment = Record<string, string>;

const ON: Environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
const DEFAULTS = {
  protocol: 'http/protobuf',
  sampler: 'parentbased_always_on',
  samplerRatio: 1,
  maxQueuedSpans: 2048,
  maxBatchSpans: 512,
  batchDelayMs: 5000,
  exportTimeoutMs: 30_000,
  headers: {},
};
const PEM = fileURLToPath(new URL('../../support/certs/endpoint.pem', import.meta.url));

const FOLDER = mkdtempSync(join(tmpdir(), 'callhooks-tracing-'));
const HEADERS = join(FOLDER, 'headers');
const NO_HEADERS = join(FOLDER, 'no-headers');
writeFileSync(HEADERS, 'authorization=Bearer%20hunter2,x-tenant=a\n');
writeFileSync(NO_HEADERS, 'hunter2');
after(() => rmSync(FOLDER, { recursive: true }));

const OFF: [title: string, env: Environment][] = [
  ['nothing is set', {}],
  ['the exporter is none', { ...ON, OTEL_TRACES_EXPORTER: 'none' }],
  ['the SDK is disabled', { ...ON, OTEL_SDK_DISABLED: 'TRUE', OTEL_TRACES_EXPORTER: 'otlp' }],
  ['the endpoint is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
  ['only other signals have an endpoint', { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://collector:4318' }],
  ['other variables are wrong', { OTEL_TRACES_SAMPLER: 'xray', OTEL_BSP_MAX_QUEUE_SIZE: '-1' }],
];

const READ: [title: string, env: Environment, expected: object][] = [
  ['an endpoint', ON, {}],
  ['an endpoint for traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c:4317/v1/traces' }, {}],
  ['the exporter alone', { OTEL_TRACES_EXPORTER: 'otlp' }, {}],
  ['a disabled SDK that is not', { ...ON, OTEL_SDK_DISABLED: 'false' }, {}],
  ['a protocol', { ...ON, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, { protocol: 'grpc' }],
  [
    'a protocol for traces, which wins',
    { ...ON, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' },
    {},
  ],
  [
    'a sampler',
    { ...ON, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
    { sampler: 'parentbased_traceidratio', samplerRatio: 0.25 },
  ],
  [
    'the bounds of batches',
    { ...ON, OTEL_BSP_MAX_QUEUE_SIZE: '10', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '5' },
    { maxQueuedSpans: 10, maxBatchSpans: 5 },
  ],
  [
    'the times of batches',
    { ...ON, OTEL_BSP_SCHEDULE_DELAY: '50', OTEL_BSP_EXPORT_TIMEOUT: '900' },
    { batchDelayMs: 50, exportTimeoutMs: 900 },
  ],
  [
    'what the exporter reads itself',
    {
      ...ON,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi, x-tenant=a==',
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_CERTIFICATE: PEM,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,team=a%2Cb',
    },
    { headers: { authorization: 'Basic YTpi', 'x-tenant': 'a==' } },
  ],
  [
    'headers from a file',
    { ...ON, OTEL_EXPORTER_OTLP_HEADERS_FILE: HEADERS },
    { headers: { authorization: 'Bearer hunter2', 'x-tenant': 'a' } },
  ],
  [
    'headers for traces, which win over those of a file',
    { ...ON, OTEL_EXPORTER_OTLP_HEADERS_FILE: HEADERS, OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-tenant=b' },
    { headers: { authorization: 'Bearer hunter2', 'x-tenant': 'b' } },
  ],
];

const REFUSED: [variable: string, value: string, problem: RegExp][] = [
  ['OTEL_TRACES_EXPORTER', 'zipkin', /must be otlp, none, not "zipkin"/],
  ['OTEL_TRACES_EXPORTER', 'otlp,console', /must be otlp, none/],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json', /must be http\/protobuf, grpc/],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', /must be a URL that begins with http/],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://user:hunter2@collector', /must not hold a user or password/],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'unix:/tmp/hunter2', /must be a URL/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'hunter2', /must be a list of name=value/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a b=hunter2', /must be a list of name=value/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a=hunter2\nb: c', /must be a list of name=value/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a=hunter2%zz', /must be a list of name=value/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a=hunter2%0Ab', /must be a list of name=value/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a%3A=hunter2', /must be a list of name=value/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a%3Db=hunter2', /must be a list of name=value/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a-bin=hunter2', /must be a list of name=value/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a=', /must be a list of name=value/],
  ['OTEL_EXPORTER_OTLP_HEADERS_FILE', NO_HEADERS, /^OTEL_EXPORTER_OTLP_HEADERS must be a list of name=value/],
  [
    'OTEL_EXPORTER_OTLP_HEADERS_FILE',
    '/no/such/file',
    /HEADERS_FILE names a file that can't be read \(ENOENT\)/,
  ],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '0', /must be a whole number from 1/],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', 'zstd', /must be gzip, none/],
  ['OTEL_EXPORTER_OTLP_CERTIFICATE', '/no/such/file', /names a file that can't be read \(ENOENT\)/],
  ['OTEL_RESOURCE_ATTRIBUTES', 'team', /must be a list of name=value/],
  ['OTEL_RESOURCE_ATTRIBUTES', `team=${'a'.repeat(256)}`, /must be a list of name=value/],
  ['OTEL_RESOURCE_ATTRIBUTES', 'team=a=b', /must be a list of name=value/],
  ['OTEL_TRACES_SAMPLER', 'xray', /must be always_on, .*not "xray"/],
  ['OTEL_TRACES_SAMPLER_ARG', '1.5', /must be a number from 0 to 1/],
  ['OTEL_TRACES_SAMPLER_ARG', '10%', /must be a number from 0 to 1/],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '1000000', /must be a whole number from 1 to 65536/],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '100', /OTEL_BSP_MAX_EXPORT_BATCH_SIZE must not be above/],
];

describe('readTracing', () => {
  for (const [title, env] of OFF)
    it(`returns no settings when ${title}`, () => {
      expect(readTracing(env)).to.deep.equal({ problems: [] });
      expect(tracingReport(env)).to.equal('traces: off\n');
    });

  for (const [title, env, expected] of READ)
    it(`reads ${title}`, () => {
      expect(readTracing(env)).to.deep.equal({ tracing: { ...DEFAULTS, ...expected }, problems: [] });
    });

  for (const [variable, value, problem] of REFUSED)
    it(`refuses ${variable}=${JSON.stringify(value)}`, () => {
      const { problems } = readTracing({ ...ON, [variable]: value });
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(problem).and.contain('OTEL_').and.not.contain('hunter2');
    });
});

describe('readTracing with headers in a variable and in a file', () => {
  it('refuses them, and shows none', () => {
    const both = { OTEL_EXPORTER_OTLP_HEADERS: 'a=hunter2', OTEL_EXPORTER_OTLP_HEADERS_FILE: HEADERS };
    expect(readTracing({ ...ON, ...both }).problems).to.deep.equal([
      'OTEL_EXPORTER_OTLP_HEADERS and OTEL_EXPORTER_OTLP_HEADERS_FILE are both set: unset one of them',
    ]);
  });
});

describe('parseConfig', () => {
  it('lists the problems of traces among all others', () => {
    const env = { ...ON, OTEL_TRACES_SAMPLER: 'xray', CALLHOOKS_LOG_LEVEL: 'loud' };
    expect(() => parseConfig(env))
      .to.throw(ConfigError)
      .with.property('problems')
      .that.has.length(2);
  });
});

describe('tracingReport', () => {
  it('shows what is set, and never a header', () => {
    const report = tracingReport({ ...ON, OTEL_EXPORTER_OTLP_HEADERS: 'authorization=hunter2' });
    expect(report).to.equal(
      'traces: exported with http/protobuf\nOTEL_EXPORTER_OTLP_ENDPOINT  http://collector:4318\nOTEL_EXPORTER_OTLP_HEADERS  set\n',
    );
  });

  it('shows the file that headers come from', () => {
    const report = tracingReport({ ...ON, OTEL_EXPORTER_OTLP_TRACES_HEADERS_FILE: HEADERS });
    expect(report).to.include(`OTEL_EXPORTER_OTLP_TRACES_HEADERS  set, from ${HEADERS}\n`);
  });

  it('shows no path and no query of an endpoint, which may be a token', () => {
    const report = tracingReport({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector.example/v1/otlp/hunter2',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example:8443?api_key=hunter2',
    });
    expect(report).to.include('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT  https://collector.example/…\n');
    expect(report).to.include('OTEL_EXPORTER_OTLP_ENDPOINT  https://collector.example:8443/…\n');
    expect(report).to.not.include('hunter2');
  });
});

describe('docs/config.md', () => {
  it('lists every variable of traces with its default and meaning', () => {
    const page = readFileSync(new URL('../../../docs/config.md', import.meta.url), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `OTEL_'));
    const expected = Object.entries(TRACING_VARIABLES).map(([name, { default: text, meaning, secret }]) => {
      return `| \`${name}\`${secret === true ? ', or `_FILE`' : ''} | ${text.startsWith('(') ? text : `\`${text}\``} | ${meaning} |`;
    });
    expect(rows).to.deep.equal(expected);
  });
});
