import type { Socket } from 'node:net';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { makeAgent, newCall } from '../support/calls.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';
import { flood } from './support/flood.ts';
import { recordWords } from './support/record-words.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork, expectWithin } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const AT_ONCE = 60;
const LIMIT_SECS = 2;
// The table shows the truth. This bound fits a machine that does other things too.
const MOST_BUSY_MS = 250;
const MOST_GROWN_MB = 200;

const redirect = (...locations: string[]): string =>
  `HTTP/1.1 302 Found\r\n${locations.map((location) => `Location: ${location}\r\n`).join('')}Content-Length: 0\r\n\r\n`;

describe('Redirects of a hostile endpoint', () => {
  let server: WatchedServer;
  let endpoint: RawServer;
  let silent: RawServer;
  let answer: (socket: Socket, count: number) => void;
  let count = 0;
  before(async () => {
    server = await startWatchedServer();
    endpoint = await startRawServer((socket) => answer(socket, (count += 1)));
    silent = await startRawServer(() => undefined, { host: '127.0.0.2' });
  });
  after(async () => {
    await Promise.all([endpoint.close(), silent.close(), server.close()]);
  });

  const rows: readonly (readonly [
    attack: string,
    answer: (socket: Socket, count: number) => void,
    outcome: RegExp,
    requests: number,
  ])[] = [
    [
      'a loop',
      (socket) => socket.write(redirect('/again')),
      /^FAILED REDIRECT YES: HTTP 302 Found: at most 3 redirects are followed/,
      4,
    ],
    [
      'another path each time, of 4,000 bytes',
      (socket, number) => socket.write(redirect(`/${number}${'x'.repeat(4_000)}`)),
      /^FAILED REDIRECT YES: .*at most 3/,
      4,
    ],
    [
      'a Location of 60,000 bytes',
      (socket) => socket.write(redirect(`/${'x'.repeat(60_000)}`)),
      /^FAILED REDIRECT YES: .*larger than 4096 bytes/,
      1,
    ],
    [
      '900 Location headers',
      (socket) => socket.write(redirect(...Array.from({ length: 900 }, (_, i) => `/${i}`))),
      /^FAILED REDIRECT YES: .*several Location headers/,
      1,
    ],
    [
      'the metadata service',
      (socket) => socket.write(redirect('http://169.254.169.254/latest/meta-data/')),
      /^FAILED EGRESS_DENIED YES: redirect 1 of 3, to http:\/\/169\.254\.169\.254: /,
      1,
    ],
    [
      'a host of its own for each call, where nothing listens',
      (socket, number) => socket.write(redirect(`http://127.1.${(number >> 8) & 255}.${number & 255}:1/`)),
      /^FAILED CONNECT YES: redirect 1 of 3, to http:\/\/127\.1\./,
      1,
    ],
    [
      'a redirect whose body never ends',
      (socket) => {
        socket.write(
          'HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nTransfer-Encoding: chunked\r\n\r\n',
        );
        flood(socket, '400\r\n' + 'x'.repeat(1_024) + '\r\n');
      },
      /^FAILED EGRESS_DENIED YES: /,
      1,
    ],
    [
      'a silent host',
      (socket) => socket.write(redirect(`http://127.0.0.2:${silent.port}/`)),
      /^FAILED TIMEOUT YES: redirect 1 of 3, to http:\/\/127\.0\.0\.2:\d+: no response head arrived/,
      1,
    ],
  ];
  for (const [attack, respond, outcome, requests] of rows) {
    it(`end with the failure of ${attack}, ${AT_ONCE} at once`, async function () {
      this.timeout(60_000);
      answer = respond;
      const apiSchema = { url: `${endpoint.url}/`, method: 'POST', requestBody: {}, maxRedirects: 3 };
      const pre = { apiSchema, responseTimeoutSecs: LIMIT_SECS };
      const agent = await makeAgent(server.rpc, { pre });
      const before = count;
      const { result, toll } = await server.measure(() =>
        Promise.all(
          Array.from({ length: AT_ONCE }, async () => {
            const beganAtMs = performance.now();
            const { execution } = await server.rpc.calls.onCallStart(newCall(agent));
            return { execution: execution as pb.Execution, tookMs: performance.now() - beganAtMs };
          }),
        ),
      );
      const [first] = result;
      reportAttack({
        attack: `redirects to ${attack}, ${AT_ONCE} at once`,
        ...toll,
        record: recordWords(first?.execution),
      });
      for (const { execution } of result) expect(recordWords(execution)).to.match(outcome);
      expect(count - before).to.equal(AT_ONCE * requests);
      const longestMs = Math.max(...result.map(({ tookMs }) => tookMs));
      await expectWithin('the longest call', longestMs, LIMIT_SECS * 1_000 + 2_000, toll.fromMs);
      await expectShortWork(toll, MOST_BUSY_MS);
      expect(toll.grownMb, 'growth of memory').to.be.below(MOST_GROWN_MB);
    });
  }
});
