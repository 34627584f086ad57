import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import { expect } from 'chai';
import { startConnectProxy, type ConnectProxy, type OnConnect } from '../support/connect-proxy.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';
import { until } from '../support/until.ts';
import { flood } from './support/flood.ts';
import { startCallsTo } from './support/hostile-calls.ts';
import { recordWords } from './support/record-words.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork, expectWithin } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const LIMIT_SECS = 0.6;
const AT_ONCE = 20;
const MOST_LATE_MS = 1_500;
const MOST_BUSY_MS = 150;
const TUNNEL = 'HTTP/1.1 200 Connection established\r\n\r\n';

/** Writes one byte of a text after the other, every 10 ms. */
function trickle(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text.charAt(at++ % text.length)), 10);
  socket.on('close', () => clearInterval(timer));
}

/** Is what the proxy does, and what the record says then. */
type Row = readonly [title: string, onConnect: OnConnect, outcome: string, message: RegExp];

const ROWS: readonly Row[] = [
  [
    'silence',
    () => undefined,
    'FAILED TIMEOUT NO',
    /no tunnel through the proxy to .* was made within \d+ ms/,
  ],
  [
    'a head of one byte every 10 ms',
    (socket) => trickle(socket, `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1_000)}`),
    'FAILED TIMEOUT NO',
    /no tunnel through the proxy/,
  ],
  [
    'a head without an end',
    (socket) => flood(socket, 'HTTP/1.1 200 OK\r\na:\r\n'),
    'FAILED CONNECT NO',
    /larger than 16384 bytes/,
  ],
  [
    'interim answers without an end',
    (socket) => flood(socket, 'HTTP/1.1 103 x\r\n\r\n'),
    'FAILED CONNECT NO',
    /larger than 16384 bytes/,
  ],
  ['garbage without an end', (socket) => flood(socket, 'Zz'), 'FAILED CONNECT NO', /not HTTP\/1\.1/],
  [
    'a refusal with a page without an end',
    (socket) => flood(socket, `HTTP/1.1 403 x\r\n\r\n${'x'.repeat(65_000)}`),
    'FAILED CONNECT NO',
    /the proxy answered 403 Forbidden/,
  ],
  [
    'a page without an end in place of a tunnel',
    (socket) => flood(socket, `${TUNNEL}${'x'.repeat(65_000)}`),
    'FAILED CONNECT NO',
    /a body instead of a tunnel/,
  ],
  [
    'a reset before its answer',
    (socket) => socket.resetAndDestroy(),
    'FAILED CONNECT NO',
    /closed the connection before it answered/,
  ],
  [
    'a head without an end inside the tunnel',
    (socket) => {
      socket.write(TUNNEL);
      socket.once('data', () => flood(socket, 'HTTP/1.1 200 OK\r\na:\r\n'));
    },
    'FAILED PROTOCOL MAYBE',
    /the response head /,
  ],
  [
    'a response of its own inside the tunnel (for comparison)',
    (socket) => {
      socket.write(TUNNEL);
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}'));
    },
    'SUCCEEDED',
    /./,
  ],
];

describe('A proxy that is slow or hostile', () => {
  let answer: OnConnect = () => undefined;
  let proxy: ConnectProxy;
  let endpoint: RawServer;
  let server: WatchedServer;
  before(async () => {
    endpoint = await startRawServer(() => undefined);
    proxy = await startConnectProxy({ onConnect: (socket, head) => answer(socket, head) });
    server = await startWatchedServer({
      CALLHOOKS_EGRESS_PROXY: `http://user:hunter2-secret@127.0.0.1:${proxy.port}`,
    });
  });
  after(async () => {
    await server.close();
    await proxy.close();
    await endpoint.close();
  });

  for (const [title, onConnect, outcome, message] of ROWS) {
    it(`ends ${AT_ONCE} pre-calls as ${outcome} within their limit when it sends ${title}`, async () => {
      answer = onConnect;
      const { result, toll } = await server.measure(() =>
        startCallsTo(server, `http://127.0.0.1:${endpoint.port}/`, {
          limitSecs: LIMIT_SECS,
          atOnce: AT_ONCE,
        }),
      );
      const lateMs = Math.max(...result.map(({ tookMs }) => tookMs)) - LIMIT_SECS * 1_000;
      const record = recordWords(result[0]?.execution);
      reportAttack({ attack: `a proxy with ${title}, ${AT_ONCE} at once`, ...toll, record });
      for (const { execution } of result) {
        expect(execution && outcomeOf(execution), recordWords(execution)).to.equal(outcome);
        if (execution?.failure) expect(execution.failure.message).to.match(message);
        expect(inspect(execution, { depth: 9 })).to.not.match(/hunter2|aHVudGVyMg/);
      }
      await expectWithin('time after the limit', lateMs, MOST_LATE_MS, toll.fromMs);
      await expectShortWork(toll, MOST_BUSY_MS);
      expect(endpoint.connections, 'connections around the proxy').to.have.length(0);
      if (outcome !== 'SUCCEEDED')
        await until('the connections to the proxy to be closed', () => proxy.openCount() === 0);
    });
  }
});
