import { expect } from 'chai';
import { outcomeOf } from '../support/execution-words.ts';
import { withRawServer } from '../support/raw-server.ts';
import { startCallsTo } from './support/hostile-calls.ts';
import { recordWords } from './support/record-words.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork, expectWithin } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const LIMIT_SECS = 0.8;
// Wide; the record must not be later than the limit by more than 100 ms on a quiet machine.
const MOST_LATE_MS = 1_500;
const MOST_BUSY_MS = 150;

const LENGTH = 'Content-Length: 2\r\n\r\n{}';
const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n';

interface Row {
  readonly title: string;
  readonly response: string;
  /** The endpoint leaves the connection open after the response. */
  readonly open?: boolean;
  readonly outcome: string;
  readonly message?: RegExp;
}

const ROWS: readonly Row[] = [
  ...['HTTP/2.0', 'HTTP/0.9', 'HTTP/3.0', 'HTTP/11.1', 'RTSP/1.0', 'ICY', 'http/1.1'].map((version) => ({
    title: `the version ${version}`,
    response: `${version} 200 OK\r\n${LENGTH}`,
    outcome: 'FAILED PROTOCOL MAYBE',
    message: /not valid HTTP\/1\.1 \(Expected HTTP\/1\.1\)/,
  })),
  ...['099', '000', '042 Odd\r\n\r\nHTTP/1.1 200'].map((status) => ({
    title: `the status ${status.slice(0, 3)}${status.length > 3 ? ', then 200' : ''}`,
    response: `HTTP/1.1 ${status} OK\r\n${LENGTH}`,
    outcome: 'FAILED PROTOCOL MAYBE',
    message: /Invalid status code/,
  })),
  ...['20', '2000', '2x0', '-200'].map((status) => ({
    title: `the status ${status}`,
    response: `HTTP/1.1 ${status} OK\r\n${LENGTH}`,
    outcome: 'FAILED PROTOCOL MAYBE',
    message: /not valid HTTP\/1\.1/,
  })),
  { title: 'the status 999', response: `HTTP/1.1 999 Odd\r\n${LENGTH}`, outcome: 'FAILED HTTP_STATUS YES' },
  ...['gzip, chunked', 'chunked, chunked', 'chunked, gzip', 'gzip', 'xchunked', 'chunked;q=1'].map(
    (codings) => ({
      title: `the transfer coding ${codings}`,
      response: `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${codings}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      outcome: 'FAILED INVALID_RESPONSE YES',
      message: /transfer coding/,
    }),
  ),
  {
    title: 'a transfer coding in a header of its own',
    response: `HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n${CHUNKED}2\r\n{}\r\n0\r\n\r\n`,
    outcome: 'FAILED INVALID_RESPONSE YES',
  },
  ...[
    'Content-Length: 2\r\nContent-Length: 3',
    'Content-Length: 2\r\nContent-Length: 2',
    'Content-Length: 2, 3',
    'Content-Length: -1',
    'Content-Length: 0x2',
    'Content-Length:',
    'Content-Length: 99999999999999999999999',
    'Content-Length: 2\r\nTransfer-Encoding: chunked',
  ].map((lengths) => ({
    title: `the header ${lengths.replaceAll('\r\n', ' and ')}`,
    response: `HTTP/1.1 200 OK\r\n${lengths}\r\n\r\n{} `,
    outcome: 'FAILED PROTOCOL MAYBE',
    message: /not valid HTTP\/1\.1/,
  })),
  {
    title: 'a length of 2^60 bytes',
    response: 'HTTP/1.1 200 OK\r\nContent-Length: 1152921504606846976\r\n\r\n{}',
    outcome: 'FAILED RESPONSE_TOO_LARGE YES',
  },
  {
    title: 'a length that is too long, and then the end',
    response: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}',
    outcome: 'FAILED PROTOCOL YES',
    message: /closed the connection in the middle of the response body/,
  },
  {
    title: 'a length that is too long, and then silence',
    response: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}',
    open: true,
    outcome: 'FAILED TIMEOUT YES',
    message: /the response body did not end within/,
  },
  {
    title: 'a length that is too short',
    response: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}{"a":1}',
    outcome: 'SUCCEEDED',
  },
  {
    title: 'no length, and no end',
    response: 'HTTP/1.1 200 OK\r\n\r\n{}',
    open: true,
    outcome: 'FAILED TIMEOUT YES',
  },
  ...['zz', '-2', '0x2', 'fffffffffffffffff', '1'].map((size) => ({
    title: `the chunk size ${size}`,
    response: `HTTP/1.1 200 OK\r\n${CHUNKED}${size}\r\n{}\r\n0\r\n\r\n`,
    outcome: 'FAILED PROTOCOL YES',
    message: /not valid HTTP\/1\.1 .*in the middle of the response body/,
  })),
  {
    title: 'a flood of 103',
    response: 'HTTP/1.1 103 E\r\n\r\n'.repeat(4_000),
    outcome: 'FAILED PROTOCOL MAYBE',
  },
  {
    title: 'a flood of 100',
    response: 'HTTP/1.1 100 C\r\n\r\n'.repeat(4_000),
    outcome: 'FAILED PROTOCOL MAYBE',
  },
  {
    title: '32 interim responses before the final one',
    response: `${'HTTP/1.1 103 E\r\nLink: x\r\n\r\n'.repeat(32)}HTTP/1.1 200 OK\r\n${LENGTH}`,
    outcome: 'SUCCEEDED',
  },
  {
    title: '101 unasked',
    response: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
    outcome: 'FAILED PROTOCOL MAYBE',
    message: /switched to another protocol unasked/,
  },
  {
    title: 'only 100',
    response: 'HTTP/1.1 100 Continue\r\n\r\n',
    open: true,
    outcome: 'FAILED TIMEOUT MAYBE',
  },
  {
    title: 'a zero byte in a header',
    response: `HTTP/1.1 200 OK\r\nx: a\0b\r\n${LENGTH}`,
    outcome: 'FAILED PROTOCOL MAYBE',
  },
  {
    title: 'a header without a colon',
    response: `HTTP/1.1 200 OK\r\nFoo\r\n${LENGTH}`,
    outcome: 'FAILED PROTOCOL MAYBE',
  },
  { title: 'another protocol', response: 'SSH-2.0-OpenSSH_9.6\r\n', outcome: 'FAILED PROTOCOL MAYBE' },
  {
    title: 'random bytes',
    response: '\x16\x03\x01\xfc\x00\xff'.repeat(2_000),
    outcome: 'FAILED PROTOCOL MAYBE',
  },
  {
    title: 'nothing',
    response: '',
    outcome: 'FAILED PROTOCOL MAYBE',
    message: /closed the connection before/,
  },
  {
    title: 'silence',
    response: '',
    open: true,
    outcome: 'FAILED TIMEOUT MAYBE',
    message: /no response head arrived within/,
  },
];

describe('A malformed response', () => {
  let server: WatchedServer;
  const tolls: { longestStallMs: number; longestBusyMs: number; peakMemoryMb: number }[] = [];
  let latestMs = 0;
  before(async () => {
    server = await startWatchedServer();
  });
  after(async () => {
    await server.close();
    const most = (of: (toll: (typeof tolls)[number]) => number): number => Math.max(0, ...tolls.map(of));
    reportAttack({
      attack: `${tolls.length} malformed responses`,
      longestStallMs: most((toll) => toll.longestStallMs),
      longestBusyMs: most((toll) => toll.longestBusyMs),
      peakMemoryMb: most((toll) => toll.peakMemoryMb),
      record: `code and sent of each are true; the latest was ${latestMs.toFixed(0)} ms after its limit`,
    });
  });

  for (const { title, response, open = false, outcome, message = /./ } of ROWS) {
    it(`is recorded as ${outcome} when it has ${title}`, async () => {
      await withRawServer(
        (socket) => {
          const bytes = Buffer.from(response, 'latin1');
          if (open) socket.write(bytes);
          else socket.end(bytes);
        },
        async ({ url }) => {
          const { result, toll } = await server.measure(() =>
            startCallsTo(server, url, { limitSecs: LIMIT_SECS }),
          );
          tolls.push(toll);
          for (const { execution, tookMs } of result) {
            expect(execution && outcomeOf(execution), recordWords(execution)).to.equal(outcome);
            if (execution?.failure) expect(execution.failure.message).to.match(message);
            latestMs = Math.max(latestMs, tookMs - LIMIT_SECS * 1_000);
            await expectWithin('time of the call', tookMs, LIMIT_SECS * 1_000 + MOST_LATE_MS, toll.fromMs);
          }
          await expectShortWork(toll, MOST_BUSY_MS);
        },
      );
    });
  }
});
