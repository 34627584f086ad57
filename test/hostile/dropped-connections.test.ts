import type { Socket } from 'node:net';
import { expect } from 'chai';
import { makeAgent, newCall, postTo, untilFinished, type CallAgent } from '../support/calls.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';
import { reportAttack } from './support/report.ts';
import { expectWithin } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const HEAD = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${'x-pad: 0123456789\r\n'.repeat(12)}Transfer-Encoding: chunked\r\n\r\n`;
const CHUNKS = `5;a=b\r\n{"a":\r\n14\r\n"${'x'.repeat(18)}"\r\n1\r\n}\r\n`;
const RESPONSE = `${HEAD}${CHUNKS}0\r\nt: trailer\r\nu: trailer\r\n\r\n`;

// Every 16th byte, and each byte before and after the end of a line.
const CUTS = Array.from({ length: RESPONSE.length }, (_, index) => index).filter(
  (at) => at % 16 === 0 || /[\r\n]/.test(RESPONSE.slice(at - 1, at + 1)),
);
const AT_ONCE = 16;
const LIMIT_SECS = 0.5;
const MOST_LATE_MS = 1_500;

/** The ways in which the endpoint leaves after so many bytes, and the failure that each leads to. */
const WAYS: readonly (readonly [title: string, leave: (socket: Socket) => void, code: string])[] = [
  ['closed', (socket) => void socket.end(), 'PROTOCOL'],
  ['reset', (socket) => void setTimeout(() => socket.resetAndDestroy(), 30), 'PROTOCOL'],
  ['silent', () => undefined, 'TIMEOUT'],
];

describe('A connection that breaks off within a response', () => {
  let server: WatchedServer;
  let raw: RawServer;
  let leave: (socket: Socket) => void = () => undefined;
  before(async () => {
    server = await startWatchedServer();
    // The path of the request says after how many bytes the endpoint leaves.
    raw = await startRawServer((socket, index) => {
      const at = Number(/^\w+ \/(\d+) /.exec(raw.connections[index]?.received() ?? '')?.[1]);
      socket.write(RESPONSE.slice(0, at), () => leave(socket));
    });
  });
  after(async () => {
    await server.close();
    await raw.close();
  });

  /** Calls `call` with an agent for each cut, a few at once. */
  const forEachCut = async (
    partsOf: (url: string) => Parameters<typeof makeAgent>[1],
    call: (agent: CallAgent, at: number) => Promise<void>,
  ): Promise<void> => {
    const cuts = [...CUTS];
    const work = async (): Promise<void> => {
      for (let at = cuts.pop(); at !== undefined; at = cuts.pop())
        await call(await makeAgent(server.rpc, partsOf(`${raw.url}/${at}`)), at);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  };

  for (const [title, way, code] of WAYS) {
    it(`ends as ${code} with the true \`sent\` when it is ${title} at any of ${CUTS.length} bytes`, async function () {
      this.timeout(60_000);
      leave = way;
      const rule = { attributeName: 'a', dynamicVariable: 'a' };
      const wrong: string[] = [];
      let latestMs = 0;
      const { toll } = await server.measure(() =>
        forEachCut(
          (url) => ({
            pre: postTo(url, {}, { assignments: [rule], responseTimeoutSecs: LIMIT_SECS }),
            variables: { a: null },
          }),
          async (agent, at) => {
            const beganAtMs = performance.now();
            const { execution } = await server.rpc.calls.onCallStart(newCall(agent));
            latestMs = Math.max(latestMs, performance.now() - beganAtMs - LIMIT_SECS * 1_000);
            const expected = `FAILED ${code} ${at < HEAD.length ? 'MAYBE' : 'YES'}`;
            const outcome = execution && outcomeOf(execution);
            if (outcome !== expected) wrong.push(`${at}: ${outcome} instead of ${expected}`);
          },
        ),
      );
      reportAttack({
        attack: `${CUTS.length} responses ${title} halfway`,
        ...toll,
        record: `FAILED ${code} with the true sent; the latest ${latestMs.toFixed(0)} ms after its limit`,
      });
      expect(wrong).to.deep.equal([]);
      await expectWithin('time after the limit', latestMs, MOST_LATE_MS, toll.fromMs);
    });
  }

  it('leaves the outcome of a post-call to the head that it has sent', async function () {
    this.timeout(60_000);
    leave = (socket) => void socket.end();
    const wrong: string[] = [];
    await forEachCut(
      (url) => ({ post: postTo(url, {}, { responseTimeoutSecs: LIMIT_SECS }) }),
      async (agent, at) => {
        const { execution } = await server.rpc.calls.onCallEnd(newCall(agent));
        const finished = await untilFinished(server.rpc, execution?.executionUuid, 30_000);
        const expected = at < HEAD.length ? 'FAILED PROTOCOL MAYBE' : 'SUCCEEDED';
        const outcome = outcomeOf(finished);
        if (outcome !== expected) wrong.push(`${at}: ${outcome} instead of ${expected}`);
        if (outcome === 'SUCCEEDED' && finished.response?.truncated !== true)
          wrong.push(`${at}: not truncated`);
      },
    );
    expect(wrong).to.deep.equal([]);
  });
});
