import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { outcomeOf } from '../support/execution-words.ts';
import { startRawServer, type RawOptions } from '../support/raw-server.ts';
import { startCallsTo } from './support/hostile-calls.ts';
import { recordWords } from './support/record-words.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork, expectWithin } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const certFile = (name: string): string =>
  fileURLToPath(new URL(`../support/certs/${name}`, import.meta.url));
const certificate = (name: string): TlsOptions => ({
  cert: readFileSync(certFile(`${name}.pem`)),
  key: readFileSync(certFile(`${name}.key`)),
});

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
const LIMIT_SECS = 0.6;
const AT_ONCE = 20;
const MOST_LATE_MS = 1_500;
const MOST_BUSY_MS = 150;

/** Writes one byte of a text after the other, every 10 ms. */
function trickle(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text.charAt(at++ % text.length)), 10);
  socket.on('close', () => clearInterval(timer));
}

interface Row {
  readonly title: string;
  readonly endpoint: RawOptions;
  readonly answer?: (socket: Socket) => void;
  readonly isHttps?: boolean;
  readonly host?: string;
  readonly outcome: string;
  readonly message: RegExp;
}

const ROWS: readonly Row[] = [
  {
    title: 'a head of one byte every 10 ms',
    endpoint: {},
    answer: (socket) => trickle(socket, `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1_000)}`),
    outcome: 'FAILED TIMEOUT MAYBE',
    message: /no response head arrived within \d+ ms/,
  },
  {
    title: 'a body of one byte every 10 ms',
    endpoint: {},
    answer: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
      trickle(socket, ' ');
    },
    outcome: 'FAILED TIMEOUT YES',
    message: /the response body did not end within \d+ ms/,
  },
  {
    title: 'trailers of one byte every 10 ms',
    endpoint: {},
    answer: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n');
      trickle(socket, 'a: b\r\n');
    },
    outcome: 'FAILED TIMEOUT YES',
    message: /the response body did not end within \d+ ms/,
  },
  {
    title: 'a TLS handshake without an answer',
    endpoint: {},
    isHttps: true,
    outcome: 'FAILED TIMEOUT NO',
    message: /the TLS handshake with 127\.0\.0\.1 did not end within \d+ ms/,
  },
  {
    title: 'a TLS handshake that breaks off',
    endpoint: { onConnection: (socket) => socket.once('data', () => socket.destroy()) },
    isHttps: true,
    outcome: 'FAILED TLS NO',
    message: /closed the connection during the TLS handshake/,
  },
  {
    title: 'a TLS handshake of random bytes',
    endpoint: { onConnection: (socket) => void socket.write(Buffer.alloc(50_000, 0x5a)) },
    isHttps: true,
    outcome: 'FAILED TLS NO',
    message: /./,
  },
  {
    title: 'a certificate that has expired',
    endpoint: { tls: certificate('expired') },
    outcome: 'FAILED TLS NO',
    message: /the certificate has expired/,
  },
  {
    title: 'a certificate of another name',
    endpoint: { tls: certificate('endpoint'), host: '127.0.0.2' },
    host: '127.0.0.2',
    outcome: 'FAILED TLS NO',
    message: /the certificate is not valid for 127\.0\.0\.2/,
  },
  {
    title: 'a self-signed certificate',
    endpoint: { tls: certificate('self-signed') },
    outcome: 'FAILED TLS NO',
    message: /the certificate is self-signed/,
  },
  {
    title: 'TLS 1.1',
    endpoint: {
      tls: {
        ...certificate('endpoint'),
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
        ciphers: 'ALL:@SECLEVEL=0',
      },
    },
    outcome: 'FAILED TLS NO',
    message: /the endpoint offers no TLS version from 1\.2 on/,
  },
  {
    title: 'a good certificate (for comparison)',
    endpoint: { tls: certificate('endpoint') },
    answer: (socket) => void socket.write(OK),
    outcome: 'SUCCEEDED',
    message: /./,
  },
];

describe('An endpoint that is slow, or proves nothing', () => {
  let server: WatchedServer;
  before(async () => {
    server = await startWatchedServer({ CALLHOOKS_CA_FILE: certFile('ca.pem') });
  });
  after(() => server.close());

  for (const {
    title,
    endpoint,
    answer = () => undefined,
    isHttps,
    host = '127.0.0.1',
    outcome,
    message,
  } of ROWS) {
    it(`ends ${AT_ONCE} pre-calls as ${outcome} within their limit when it has ${title}`, async () => {
      const raw = await startRawServer(answer, endpoint);
      const scheme = isHttps === true || endpoint.tls !== undefined ? 'https' : 'http';
      try {
        const { result, toll } = await server.measure(() =>
          startCallsTo(server, `${scheme}://${host}:${raw.port}/`, {
            limitSecs: LIMIT_SECS,
            atOnce: AT_ONCE,
          }),
        );
        const lateMs = Math.max(...result.map(({ tookMs }) => tookMs)) - LIMIT_SECS * 1_000;
        reportAttack({
          attack: `${title}, ${AT_ONCE} at once`,
          ...toll,
          record: recordWords(result[0]?.execution),
        });
        for (const { execution } of result) {
          expect(execution && outcomeOf(execution), recordWords(execution)).to.equal(outcome);
          if (execution?.failure) expect(execution.failure.message).to.match(message);
        }
        await expectWithin('time after the limit', lateMs, MOST_LATE_MS, toll.fromMs);
        await expectShortWork(toll, MOST_BUSY_MS);
        if (outcome.endsWith(' NO'))
          expect(raw.requestCount(), 'requests that the endpoint read').to.equal(0);
      } finally {
        await raw.close();
      }
    });
  }
});
