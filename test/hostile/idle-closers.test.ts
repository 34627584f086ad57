import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { startRawServer } from '../support/raw-server.ts';
import { recordWords } from './support/record-words.ts';
import { reportAttack } from './support/report.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const CALLS = 600;
const AT_ONCE = 8;
// callhooks uses an idle connection for 500 ms, so the pauses and the closing cover all moments around that.
const LONGEST_PAUSE_MS = 120;
const LONGEST_IDLE_MS = 700;
const MOST_LOST = 0.1;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}';

describe('An endpoint that closes idle connections at any moment', () => {
  let server: WatchedServer;
  before(async () => {
    server = await startWatchedServer();
  });
  after(() => server.close());

  it(`sees each of ${CALLS} calls at most once, and a call that it loses is recorded as PROTOCOL MAYBE`, async function () {
    this.timeout(60_000);
    const raw = await startRawServer((socket) => {
      socket.write(OK);
      const close = Math.random() < 0.5 ? () => socket.end() : () => socket.resetAndDestroy();
      setTimeout(close, Math.random() * LONGEST_IDLE_MS);
    });
    try {
      const agent = await makeAgent(server.rpc, { pre: postTo(raw.url, {}, { responseTimeoutSecs: 5 }) });
      const lost: string[] = [];
      const wrong: string[] = [];
      let left = CALLS;
      const { toll } = await server.measure(async () => {
        const work = async (): Promise<void> => {
          while (left-- > 0) {
            const { execution } = await server.rpc.calls.onCallStart(newCall(agent));
            const outcome = execution && outcomeOf(execution);
            if (outcome === 'FAILED PROTOCOL MAYBE') lost.push(recordWords(execution));
            else if (outcome !== 'SUCCEEDED') wrong.push(recordWords(execution));
            await wait(Math.random() * LONGEST_PAUSE_MS);
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, work));
      });
      const seen = raw.connections.flatMap(({ received }) =>
        [...received().matchAll(/\r\ncallhooks-execution: (\S+)/gi)].map(([, uuid]) => uuid),
      );
      reportAttack({
        attack: `${CALLS} calls to an endpoint that closes idle connections`,
        ...toll,
        record: `${lost.length} FAILED PROTOCOL MAYBE, the others SUCCEEDED; none was sent twice`,
      });
      expect(wrong).to.deep.equal([]);
      expect(new Set(seen).size, 'executions that the endpoint saw').to.equal(seen.length);
      expect(seen.length).to.be.at.least(CALLS - lost.length);
      expect(lost.length, lost[0]).to.be.at.most(CALLS * MOST_LOST);
    } finally {
      await raw.close();
    }
  });
});
