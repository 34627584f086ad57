import { expect } from 'chai';
import { outcomeOf } from '../support/execution-words.ts';
import { withRawServer } from '../support/raw-server.ts';
import { flood } from './support/flood.ts';
import { startCallsTo } from './support/hostile-calls.ts';
import { recordWords } from './support/record-words.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const AT_ONCE = 20;
const LIMIT_SECS = 5;
// These bounds are wide. The table shows the truth.
const MOST_BUSY_MS = 150;
const MOST_GROWTH_MB = 250;

describe('A response without an end', () => {
  let server: WatchedServer;
  before(async () => {
    server = await startWatchedServer();
  });
  after(() => server.close());

  const rows: readonly (readonly [title: string, start: string, endless: string, sent: string])[] = [
    ['empty headers', 'HTTP/1.1 200 OK\r\n', 'a:\r\n', 'MAYBE'],
    ['one long header', 'HTTP/1.1 200 OK\r\nx: ', 'a', 'MAYBE'],
    ['one long header name', 'HTTP/1.1 200 OK\r\n', 'a', 'MAYBE'],
    ['a reason phrase', 'HTTP/1.1 200 ', 'a', 'MAYBE'],
    ['empty lines before the head', '', '\r\n', 'MAYBE'],
    ['empty headers as trailers', `${CHUNKED}2\r\n{}\r\n0\r\n`, 'a:\r\n', 'YES'],
    ['one chunk extension', `${CHUNKED}2;`, 'a', 'YES'],
    ['a chunk size of zeros', CHUNKED, '0', 'YES'],
    ['chunks of one byte', CHUNKED, '1\r\nx\r\n', 'YES'],
    ['chunks with long extensions', CHUNKED, `1;${'a'.repeat(8_000)}\r\nx\r\n`, 'YES'],
  ];
  for (const [title, start, endless, sent] of rows) {
    it(`fails ${AT_ONCE} pre-calls at once as PROTOCOL when it is ${title}`, async function () {
      this.timeout(60_000);
      await withRawServer(
        (socket) => {
          socket.write(start);
          flood(socket, endless);
        },
        async ({ url }) => {
          const { result, toll } = await server.measure(() =>
            startCallsTo(server, url, { limitSecs: LIMIT_SECS, atOnce: AT_ONCE }),
          );
          const executions = result.map(({ execution }) => execution);
          reportAttack({
            attack: `endless ${title}, ${AT_ONCE} at once`,
            ...toll,
            record: recordWords(executions[0]),
          });
          for (const execution of executions)
            expect(execution && outcomeOf(execution), recordWords(execution)).to.equal(
              `FAILED PROTOCOL ${sent}`,
            );
          await expectShortWork(toll, MOST_BUSY_MS);
          expect(toll.grownMb, 'growth of memory').to.be.below(MOST_GROWTH_MB);
        },
      );
    });
  }
});
