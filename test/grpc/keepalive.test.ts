import { once } from 'node:events';
import { connect } from 'node:http2';
import { expect } from 'chai';
import { OnCallEndResponse } from '../../src/gen/index.callhooks.v1.ts';
import { endOf, sendCall } from './http2-calls.ts';
import { startTestServer } from './test-server.ts';

const PINGS = 300;

describe('A connection on which a client sends pings', () => {
  it('stays open, however many there are, and serves the next RPC', async () => {
    await using server = await startTestServer({
      onCallEnd: async () => OnCallEndResponse.fromPartial({}),
    });
    const session = connect(`http://127.0.0.1:${server.port}`);
    await once(session, 'connect');
    let goaways = 0;
    session.on('goaway', () => (goaways += 1));
    for (let sent = 0; sent < PINGS; sent += 1)
      await new Promise<void>((resolve, reject) => {
        session.ping((error) => (error === null ? resolve() : reject(error)));
      });
    const ended = await endOf(sendCall(session, '/callhooks.v1.CallLifecycle/OnCallEnd'));
    expect(ended.code).to.equal(0);
    expect(goaways).to.equal(0);
    session.destroy();
  });
});
