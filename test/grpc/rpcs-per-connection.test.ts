import { connect as openSession, constants } from 'node:http2';
import { status, type ServiceError } from '@grpc/grpc-js';
import { expect } from 'chai';
import { OnCallEndResponse } from '../../src/gen/index.callhooks.v1.ts';
import { errorOf } from '../support/rpc.ts';
import { until } from '../support/until.ts';
import { holdCalls, REPLY } from './holding-handlers.ts';
import { endOf, sendCall } from './http2-calls.ts';
import { startTestServer } from './test-server.ts';

const START = '/callhooks.v1.CallLifecycle/OnCallStart';
const END = '/callhooks.v1.CallLifecycle/OnCallEnd';
const MAX_RPCS = 1_000;

describe('The limit of RPCs at once on a connection', () => {
  it('refuses RPCs beyond 1,000 as LIMIT_REACHED, whatever the method, and serves other connections', async () => {
    const { contexts, release, onCallStart } = holdCalls();
    const limits: string[] = [];
    const onRefused = (limit: string): void => void limits.push(limit);
    await using server = await startTestServer({ onCallStart }, { onRefused });
    const running = Array.from({ length: MAX_RPCS }, () => server.rpc.calls.onCallStart());
    await until('1,000 calls to run', () => contexts.length === MAX_RPCS);
    for (const refused of [server.rpc.calls.onCallStart(), server.rpc.agents.listAgents()]) {
      const { code, reason, retryAfterMs, message, cause } = await errorOf(refused);
      const [pushback] = (cause as ServiceError).metadata.get('grpc-retry-pushback-ms');
      expect(Number(pushback)).to.be.within(1_000, 1_500);
      expect({ code, reason, retryAfterMs }).to.deep.equal({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'LIMIT_REACHED',
        retryAfterMs: 1_000,
      });
      expect(message).to.include('connection');
    }
    expect(limits).to.deep.equal(['rpcs_per_connection', 'rpcs_per_connection']);
    const session = openSession(`http://127.0.0.1:${server.port}`);
    sendCall(session, START);
    await until('the call on the other connection to run', () => contexts.length === MAX_RPCS + 1);
    release();
    await Promise.all(running);
    session.destroy();
    expect(await server.rpc.calls.onCallStart()).to.deep.equal(REPLY);
  });

  for (const [where, readsFirst] of [
    ['that are queued before', true],
    ['that are sent right behind', false],
  ] as const) {
    it(`serves or refuses each of 1,500 calls ${where} 1,000 cancellations on their connection`, async () => {
      let begun = 0;
      await using server = await startTestServer({
        onCallStart: () => {
          begun += 1;
          return new Promise(() => {});
        },
        onCallEnd: async () => OnCallEndResponse.fromPartial({}),
      });
      const session = openSession(`http://127.0.0.1:${server.port}`);
      let goaways = 0;
      session.on('goaway', () => (goaways += 1));
      session.on('error', () => undefined);
      await new Promise((resolve) => session.once('remoteSettings', resolve));
      const late = Array.from({ length: MAX_RPCS }, () => sendCall(session, START));
      await until('1,000 calls to run', () => begun === MAX_RPCS);
      const read = () => Array.from({ length: 1_500 }, () => endOf(sendCall(session, END)));
      const giveUp = () => late.forEach((stream) => stream.close(constants.NGHTTP2_CANCEL));
      const reads = readsFirst ? read() : [];
      giveUp();
      if (!readsFirst) reads.push(...read());
      const ends = (await Promise.all(reads)).map(({ code, hasDetails }) =>
        code === status.RESOURCE_EXHAUSTED && hasDetails ? 'LIMIT_REACHED' : code,
      );
      expect(ends.filter((end) => end !== status.OK && end !== 'LIMIT_REACHED')).to.deep.equal([]);
      expect(goaways).to.equal(0);
      session.destroy();
    });
  }
});
