import { connect as openSession, type ClientHttp2Stream } from 'node:http2';
import { expect } from 'chai';
import { endOf, openStream } from '../grpc/http2-calls.ts';
import { makeAgent, newCall, postTo } from '../support/calls.ts';
import { readMetrics } from '../support/metrics.ts';
import { startReceiver } from '../support/receiver.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { reportAttack } from './support/report.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const START = '/callhooks.v1.CallLifecycle/OnCallStart';
const MIB = 1024 * 1024;
const STREAMS = 400;
const STARTS = 90;
const OBJECTS = 95_000;

const bufferedMb = async ({ opsAddress }: WatchedServer): Promise<number> =>
  ((await readMetrics(opsAddress)).get('callhooks_buffered_bytes') ?? 0) / MIB;

/** Begins a message of 4 MiB, and sends all of it but 100 bytes. */
function sendMost(stream: ClientHttp2Stream): void {
  const bytes = Buffer.alloc(5 + 4 * MIB - 100);
  bytes.writeUInt32BE(4 * MIB, 1);
  stream.write(bytes);
}

describe('The memory of request messages', () => {
  let server: WatchedServer;
  beforeEach(async () => {
    server = await startWatchedServer({ NODE_OPTIONS: '--max-old-space-size=1024' });
  });
  afterEach(() => server.close());

  it(`is bounded while ${STREAMS} messages of 4 MiB arrive that never end, and free after 10 s`, async function () {
    this.timeout(90_000);
    const session = openSession(`http://127.0.0.1:${server.port}`, {
      // The client keeps what it could not send yet, and reads nothing when it keeps more than this (MB).
      maxSessionMemory: 4_000,
    });
    const { result, toll } = await server.measure(async () => {
      const streams = Array.from({ length: STREAMS }, () => openStream(session, START));
      const ends = streams.map(endOf);
      for (const stream of streams) sendMost(stream);
      const codes = (await Promise.all(ends)).map(({ code, hasDetails }) => `${code} ${hasDetails}`);
      return { codes: new Set(codes), bufferedMb: await bufferedMb(server) };
    });
    session.destroy();
    reportAttack({
      attack: `${STREAMS} messages of 4 MiB less 100 bytes`,
      ...toll,
      record: `grpc-status and details: ${[...result.codes].join(', ')}`,
    });
    expect(result.codes).to.deep.equal(new Set(['8 true']));
    expect(result.bufferedMb).to.equal(0);
    expect(toll.grownMb, 'growth of memory').to.be.below(800);
  });

  it(`agrees with callhooks_buffered_bytes while ${STARTS} starts of ${OBJECTS} objects wait for an endpoint`, async function () {
    this.timeout(90_000);
    const receiver = await startReceiver();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    receiver.respond(async (_, response) => {
      await released;
      response.end('{}');
    });
    const agent = await makeAgent(server.rpc, { pre: postTo(receiver.url, {}, { responseTimeoutSecs: 60 }) });
    const metadata = { a: Array.from({ length: OBJECTS }, () => ({})) };
    const { result, toll } = await server.measure(async () => {
      const running = Array.from({ length: STARTS }, () =>
        server.rpc.calls.onCallStart(
          { ...newCall(agent), metadata: metadata as never },
          { deadlineMs: 60_000 },
        ),
      );
      const answers = Promise.all(
        running.map((one) =>
          one.then(
            () => 'OK',
            async () => (await errorOf(one)).reason,
          ),
        ),
      );
      await until('the starts to be sent', () => receiver.requests.length >= STARTS, { timeoutMs: 30_000 });
      const held = await bufferedMb(server);
      release();
      return { held, answers: await answers };
    });
    await receiver.close();
    reportAttack({
      attack: `${STARTS} starts of ${OBJECTS} objects on a slow endpoint`,
      ...toll,
      record: `${[...new Set(result.answers)].join(', ')}; ${result.held.toFixed(0)} MB reserved after rendering`,
    });
    expect(new Set(result.answers)).to.deep.equal(new Set(['OK']));
    // The messages as they came, 0.37 MB each, stay until the calls end.
    expect(result.held).to.be.within(30, 70);
    expect(toll.grownMb, 'growth of memory').to.be.below(600);
  });
});
