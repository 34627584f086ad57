import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startReceiver } from '../support/receiver.ts';
import { startProcess } from '../support/server-process.ts';
import { until } from '../support/until.ts';

const HOOK = `import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.includes('opentelemetry')) process.stderr.write('LOADED ' + specifier + '\\n');
    return next(specifier, context);
  },
});`;
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };

/** Is a collector that keeps the headers of what it is sent. */
interface HeaderCollector {
  readonly url: string;
  readonly headers: () => IncomingHttpHeaders | undefined;
  readonly close: () => Promise<unknown>;
}

const COLLECTORS: readonly [protocol: string, start: () => Promise<HeaderCollector>][] = [
  [
    'http/protobuf',
    async () => {
      const { url, requests, close } = await startReceiver();
      return { url, headers: () => requests[0]?.headers, close };
    },
  ],
  [
    'grpc',
    async () => {
      let headers: IncomingHttpHeaders | undefined;
      const server = createServer();
      server.on('stream', (stream, itsHeaders) => {
        headers ??= itsHeaders;
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': 0 },
          { endStream: true },
        );
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      return { url, headers: () => headers, close: async () => server.close() };
    },
  ],
];

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

  for (const [protocol, start] of COLLECTORS)
    it(`sends the collector the headers of a file (${protocol})`, async () => {
      const file = join(dataDir, 'headers');
      writeFileSync(file, 'authorization=Bearer%20hunter2,x-tenant=file\n');
      const collector = await start();
      const server = startProcess(['serve'], {
        CALLHOOKS_LISTEN: '127.0.0.1:0',
        CALLHOOKS_DATA_DIR: dataDir,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_HEADERS_FILE: file,
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-tenant=traces',
        OTEL_BSP_SCHEDULE_DELAY: '50',
      });
      const CALLHOOKS_ADDRESS = await server.serving();
      // An RPC has a span, also when it finds nothing.
      await startProcess(['explain', '--execution', randomUUID()], { CALLHOOKS_ADDRESS }).ended();
      const headers = await until('an export', collector.headers);
      expect(headers).to.include({ authorization: 'Bearer hunter2', 'x-tenant': 'traces' });
      server.kill('SIGTERM');
      const { stdout, stderr } = await server.ended();
      await collector.close();
      expect(`${stdout}${stderr}`).to.not.contain('hunter2');
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
