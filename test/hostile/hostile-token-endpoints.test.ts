import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { makeAgent, newCall } from '../support/calls.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { startRawServer } from '../support/raw-server.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { recordWords } from './support/record-words.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork, expectWithin } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const SECRET = 'hunter2-hunter2-hunter2';
const LIMIT_SECS = 0.8;
const AT_ONCE = 100;
// Calls that come after the first fetch has failed share the next one, half a second later.
const MOST_FETCHES = 4;
const MOST_LATE_MS = 1_500;
const MOST_BUSY_MS = 150;

const answerOf = (body: string | Buffer, head = ''): Buffer =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\n${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`),
    Buffer.from(body),
  ]);
const jsonOf = (token: string): string => JSON.stringify({ access_token: token, token_type: 'Bearer' });

/** Writes a text again and again, as fast as the client reads. */
function pour(socket: Socket, text: string): void {
  const chunk = Buffer.from(text.repeat(1_000));
  const write = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', write);
  write();
}

function trickle(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text.charAt(at++ % text.length)), 10);
  socket.on('close', () => clearInterval(timer));
}

type Row = readonly [title: string, answer: (socket: Socket) => void, message: RegExp];

const IN_TIME = /^the token endpoint gave no access token within the time limit of the call$/;
const rows = (target: () => Receiver): readonly Row[] => [
  ['is silent', () => undefined, IN_TIME],
  ['closes the connection', (socket) => socket.destroy(), /the endpoint closed the connection before/],
  ['sends one byte every 10 ms', (socket) => trickle(socket, 'HTTP/1.1 200 OK\r\nx: y'.padEnd(900)), IN_TIME],
  [
    'trickles a body',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
      trickle(socket, ' ');
    },
    IN_TIME,
  ],
  [
    'sends a body without an end',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      pour(socket, '{"access_token":"');
    },
    /its answer is larger than 64 KiB/,
  ],
  [
    'sends a refusal without an end',
    (socket) => {
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
      pour(socket, '{"error":"');
    },
    /it answered 400/,
  ],
  [
    'sends a head without an end',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      pour(socket, 'x: y\r\n');
    },
    /the response head/,
  ],
  [
    'issues a token of 60 KB',
    (socket) => socket.end(answerOf(jsonOf('a'.repeat(60_000)))),
    /larger than 8 KiB/,
  ],
  [
    'issues a token with line breaks',
    (socket) => socket.end(answerOf(jsonOf('a\r\nx-admin: true\r\n\r\nGET / HTTP/1.1'))),
    /other than visible ASCII/,
  ],
  [
    'issues a token beyond ASCII',
    (socket) => socket.end(answerOf(jsonOf('a\u010d\u010ab'))),
    /visible ASCII$/,
  ],
  [
    'sends deep JSON',
    (socket) => socket.end(answerOf(`{"access_token":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)),
    /its answer is not JSON/,
  ],
  ['sends the secret as text', (socket) => socket.end(answerOf(SECRET)), /its answer is not JSON/],
  [
    'sends 50 MB of zeros as gzip',
    (socket) => socket.end(answerOf(gzipSync(Buffer.alloc(50_000_000)), 'Content-Encoding: gzip\r\n')),
    /its answer is larger than 64 KiB$|content coding/,
  ],
  [
    'redirects to the webhook',
    (socket) => socket.end(`HTTP/1.1 307 X\r\nLocation: ${target().url}/\r\nContent-Length: 0\r\n\r\n`),
    /HTTP 307 .*redirects are not followed/,
  ],
  [
    'refuses with the secret as its error',
    (socket) =>
      socket.end(
        answerOf(JSON.stringify({ error: SECRET }))
          .toString()
          .replace('200', '401'),
      ),
    /it answered 401, ••••••/,
  ],
];

describe('A hostile token endpoint', () => {
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

  for (const [title, answer, message] of rows(() => receiver)) {
    it(`ends ${AT_ONCE} calls as AUTH, unsent and within their limit, when it ${title}`, async () => {
      const tokens = await startRawServer(answer);
      const seen = receiver.requests.length;
      try {
        const { result, toll } = await server.measure(() => startCalls(server, receiver.url, tokens.port));
        const { execution } = result[0] ?? {};
        reportAttack({
          attack: `the token endpoint ${title}, ${AT_ONCE} calls`,
          ...toll,
          record: recordWords(execution),
        });
        for (const { execution } of result) {
          expect(execution && outcomeOf(execution), recordWords(execution)).to.equal('FAILED AUTH NO');
          expect(execution?.failure?.message).to.match(message);
        }
        expect(tokens.requestCount(), 'token fetches').to.be.within(1, MOST_FETCHES);
        expect(receiver.requests.length, 'requests of the webhook').to.equal(seen);
        expect(server.log()).to.not.contain(SECRET);
        const lateMs = Math.max(...result.map(({ tookMs }) => tookMs)) - LIMIT_SECS * 1_000;
        await expectWithin('time after the limit', lateMs, MOST_LATE_MS, toll.fromMs);
        await expectShortWork(toll, MOST_BUSY_MS);
      } finally {
        await tokens.close();
      }
    });
  }
});

async function startCalls({ rpc }: WatchedServer, url: string, tokenPort: number) {
  const value = {
    tokenUrl: `http://127.0.0.1:${tokenPort}/token`,
    clientId: 'c',
    clientSecret: '{{secret.SECRET}}',
  };
  const auth = { method: { $case: 'oauth2' as const, value } };
  const pre = { apiSchema: { url, method: 'POST', auth }, responseTimeoutSecs: LIMIT_SECS };
  const agent = await makeAgent(rpc, { pre, secrets: { SECRET } });
  return Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const beganAtMs = performance.now();
      const { execution } = await rpc.calls.onCallStart(newCall(agent));
      return { execution, tookMs: performance.now() - beganAtMs };
    }),
  );
}
