import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  connect as openSession,
  constants,
  type ClientHttp2Session,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as openSocket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import { headersOf } from '../grpc/http2-calls.ts';
import { readMetrics } from '../support/metrics.ts';
import { connect } from '../support/rpc.ts';
import { TOKEN_SETTINGS, TOKENS, withToken } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork } from './support/time-rules.ts';
import { startWatchedServer, type Toll, type WatchedServer } from './support/watched-server.ts';

const START = '/callhooks.v1.CallLifecycle/OnCallStart';
const WATCH = '/grpc.health.v1.Health/Watch';
const UNAUTHENTICATED = '16';
const KIB = 1024;
// The table shows the truth. These bounds fit a machine that does other things too.
const MOST_BUSY_MS = 500;
const MOST_GROWN_MB = 250;
const SILENT = 1_000;
const certFile = (name: string) => fileURLToPath(new URL(`../support/certs/${name}`, import.meta.url));

/** Returns the message of a request for the health of a service, as gRPC frames it. The name has up to 2 MiB. */
function healthRequest(name: string): Buffer {
  const { length } = name;
  const field = Buffer.of(0x0a, (length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(field.length + length, 1);
  return Buffer.concat([head, field, Buffer.from(name)]);
}

async function report(attack: string, toll: Toll, record: string): Promise<void> {
  reportAttack({ attack, ...toll, record });
  await expectShortWork(toll, MOST_BUSY_MS);
  expect(toll.grownMb).to.be.below(MOST_GROWN_MB);
}

describe('A stranger without a token', () => {
  let server: WatchedServer;
  const sessions: ClientHttp2Session[] = [];
  before(async () => {
    server = await startWatchedServer(TOKEN_SETTINGS);
  });
  afterEach(() => {
    for (const session of sessions.splice(0)) session.destroy();
  });
  after(() => server.close());

  const connectTimes = (count: number): readonly ClientHttp2Session[] => {
    const opened = Array.from({ length: count }, () => openSession(`http://127.0.0.1:${server.port}`));
    for (const session of opened) session.on('error', () => undefined);
    sessions.push(...opened);
    return opened;
  };
  /** Opens a stream, and returns it with the status in its first headers. */
  const open = (session: ClientHttp2Session, headers: OutgoingHttpHeaders) => {
    const stream = session.request(headers);
    stream.on('error', () => undefined);
    stream.resume();
    const answered = once(stream, 'response').then(
      ([answer]) => (answer as Record<string, string>)['grpc-status'],
    );
    return { stream, answered };
  };
  /** Expects that a caller with a token is answered as ever. */
  const expectOthersServed = async (): Promise<void> => {
    expect((await server.rpc.agents.listAgents({}, withToken(TOKENS.viewer))).agents).to.deep.equal([]);
  };

  it('leaves nothing behind with 400 messages of 4 MiB that never end', async function () {
    this.timeout(60_000);
    const chunk = Buffer.alloc(64 * KIB);
    const { result: statuses, toll } = await server.measure(() =>
      Promise.all(
        connectTimes(4).flatMap((session) =>
          Array.from({ length: 100 }, async () => {
            const { stream, answered } = open(session, headersOf(START));
            const closed = once(stream, 'close');
            stream.write(Buffer.of(0, 0, 0x40, 0, 0));
            for (let left = 4 * KIB * KIB - 100; left > 0 && !stream.closed; left -= chunk.length)
              await Promise.race([closed, new Promise((resolve) => stream.write(chunk, resolve))]);
            return answered;
          }),
        ),
      ),
    );
    expect(new Set(statuses)).to.deep.equal(new Set([UNAUTHENTICATED]));
    await expectOthersServed();
    await report(
      '400 messages of 4 MiB without a token, never ended',
      toll,
      'UNAUTHENTICATED, before the message',
    );
  });

  it('locks nobody out with 20,000 wrong tokens, which are counted and logged once a second', async function () {
    this.timeout(120_000);
    const before = (await readMetrics(server.opsAddress)).get(UNKNOWN) ?? 0;
    const headers = { ...headersOf(START), authorization: 'Bearer token-of-nobody' };
    const beganAtMs = performance.now();
    const { toll } = await server.measure(async () => {
      const floods = connectTimes(20).map(async (session) => {
        for (let round = 0; round < 10; round += 1)
          await Promise.all(
            Array.from({ length: 100 }, () => {
              const { stream, answered } = open(session, headers);
              stream.end();
              return answered;
            }),
          );
      });
      await Promise.all([...floods, expectOthersServed()]);
    });
    const seconds = (performance.now() - beganAtMs) / 1_000;
    await expectOthersServed();
    expect((await readMetrics(server.opsAddress)).get(UNKNOWN)).to.equal(before + 20_000);
    const lines = server
      .log()
      .split('\n')
      .filter((line) => line.includes('"refusal":"unknown_token"'));
    expect(lines.length).to.be.at.most(Math.ceil(seconds) + 1);
    expect(server.log()).not.to.contain('token-of-nobody');
    await report('20,000 wrong tokens on 20 connections', toll, 'UNAUTHENTICATED, one log line a second');
  });
  const UNKNOWN = 'callhooks_access_refused_total{refusal="unknown_token"}';

  it('gets the same answer for 2,000 tokens of 10 KiB', async function () {
    this.timeout(60_000);
    const headers = { ...headersOf(START), authorization: `Bearer ${'x'.repeat(10 * KIB)}` };
    const { result: statuses, toll } = await server.measure(() =>
      Promise.all(
        connectTimes(4).flatMap((session) =>
          Array.from({ length: 500 }, () => {
            const { stream, answered } = open(session, headers);
            stream.end();
            return answered;
          }),
        ),
      ),
    );
    expect(new Set(statuses)).to.deep.equal(new Set([UNAUTHENTICATED]));
    await expectOthersServed();
    await report('2,000 tokens of 10 KiB', toll, 'UNAUTHENTICATED');
  });

  it('leaves nothing behind with 1,000 watches of services with names of 900 KiB', async function () {
    this.timeout(120_000);
    const [session] = connectTimes(1);
    const { toll } = await server.measure(async () => {
      for (let count = 0; count < 1_000; count += 1) {
        const { stream } = open(session as ClientHttp2Session, headersOf(WATCH));
        const answered = once(stream, 'data');
        stream.end(healthRequest(String(count).padEnd(900 * KIB, '-')));
        await answered;
        stream.close(constants.NGHTTP2_CANCEL);
      }
    });
    await expectOthersServed();
    await report('1,000 health watches of unknown names of 900 KiB', toll, 'SERVICE_UNKNOWN');
  });
});

describe('A stranger at the TLS port', () => {
  let server: WatchedServer;
  before(async () => {
    server = await startWatchedServer({
      CALLHOOKS_TLS_CERT_FILE: certFile('endpoint.pem'),
      CALLHOOKS_TLS_KEY_FILE: certFile('endpoint.key'),
    });
  });
  after(() => server.close());

  it(`loses each of ${SILENT} connections that stay silent within 10 s, while others are served`, async function () {
    this.timeout(60_000);
    const { result: longestMs, toll } = await server.measure(async () => {
      const beganAtMs = performance.now();
      const silent = Array.from({ length: SILENT }, () => openSocket(server.port, '127.0.0.1'));
      const ended = silent.map(async (socket) => {
        socket.on('error', () => undefined);
        socket.resume();
        await once(socket, 'close');
        return performance.now() - beganAtMs;
      });
      const rpc = connect(server.port, credentials.createSsl(readFileSync(certFile('ca.pem'))));
      expect((await rpc.agents.listAgents()).agents).to.deep.equal([]);
      rpc.close();
      return Math.max(...(await Promise.all(ended)));
    });
    expect(longestMs).to.be.within(5_000, 20_000);
    await until('a log line', () => server.log().includes('TLS handshake failed'));
    await report(`${SILENT} silent connections at the TLS port`, toll, 'closed after 10 s');
  });
});
