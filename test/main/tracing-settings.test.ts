import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startProcess } from '../support/server-process.ts';

const HOOK = `import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.includes('opentelemetry')) process.stderr.write('LOADED ' + specifier + '\\n');
    return next(specifier, context);
  },
});`;
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };

describe('The library of traces', function () {
  this.timeout(60_000);
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'callhooks-tracing-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  /** Starts a server, stops it, and returns which parts of the library it has loaded. */
  const loadedWith = async (env: Readonly<Record<string, string>>): Promise<string[]> => {
    const server = startProcess(['serve'], {
      NODE_OPTIONS: `--import="data:text/javascript,${encodeURIComponent(HOOK)}"`,
      CALLHOOKS_LISTEN: '127.0.0.1:0',
      CALLHOOKS_DATA_DIR: dataDir,
      ...env,
    });
    await server.serving();
    server.kill('SIGTERM');
    const { exitCode, stderr } = await server.ended();
    expect(exitCode).to.equal(0);
    return [...stderr.matchAll(/^LOADED (.*)$/gm)].map(([, name = '']) => name);
  };

  it('is not loaded when nobody asks for traces', async () => {
    expect(await loadedWith({})).to.deep.equal([]);
  });

  it('is not loaded when traces are turned off', async () => {
    expect(await loadedWith({ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' })).to.deep.equal([]);
    expect(await loadedWith({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' })).to.deep.equal([]);
  });

  it('is loaded with the exporter of one protocol when there is an endpoint', async () => {
    const loaded = await loadedWith(ENDPOINT);
    expect(loaded).to.include.members([
      '@opentelemetry/sdk-trace',
      '@opentelemetry/exporter-trace-otlp-proto',
    ]);
    expect(loaded).to.not.include('@opentelemetry/exporter-trace-otlp-grpc');
  });

  it('stops the start with all problems when variables are wrong', async () => {
    const server = startProcess(['serve'], {
      CALLHOOKS_DATA_DIR: dataDir,
      CALLHOOKS_LOG_LEVEL: 'loud',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector',
      OTEL_TRACES_SAMPLER_ARG: 'half',
    });
    const { exitCode, stderr } = await server.ended();
    expect(exitCode).to.equal(78);
    for (const name of ['CALLHOOKS_LOG_LEVEL', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_TRACES_SAMPLER_ARG'])
      expect(stderr).to.contain(`  - ${name} must be`);
  });
});
