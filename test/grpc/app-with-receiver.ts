import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import type { Engine } from '../support/engines.ts';
import { startReceiver, type ReceivedRequest, type Receiver, type Reply } from '../support/receiver.ts';
import type { Rpc } from '../support/rpc.ts';

/** An app whose webhooks reach a receiver, for the tests of a suite. */
export interface AppWithReceiver {
  readonly app: TestApp;
  readonly rpc: Rpc;
  readonly receiver: Receiver;
  /** Returns the requests that have come during this test, from the first that `lastRequest` has not returned. */
  newRequests(): readonly ReceivedRequest[];
  /** Returns the one new request; fails when there are none or more. */
  lastRequest(): ReceivedRequest;
  /** Waits for the first new request. */
  nextRequest(): Promise<ReceivedRequest>;
}

/**
 * Starts an app and a receiver that answers `reply` at the begin of each test. For the app, `inside.example` has a private
 * address, and no other name exists.
 */
export function useAppWithReceiver(engine: Engine, reply: Reply): AppWithReceiver {
  let app: TestApp;
  let receiver: Receiver;
  let seen = 0;
  before(async () => {
    receiver = await startReceiver();
    const resolve = async (name: string) =>
      name === 'inside.example' ? { addresses: ['10.0.0.1'] } : { problem: 'there is no such name' };
    const env = { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8', CALLHOOKS_INSTANCE: 'replica-1' };
    app = await startTestApp(engine, env, { resolve });
  });
  beforeEach(() => {
    receiver.respond(reply);
    seen = receiver.requests.length;
  });
  after(async () => {
    await receiver.close();
    await app.close();
  });
  const newRequests = () => receiver.requests.slice(seen);
  return {
    get app() {
      return app;
    },
    get rpc() {
      return app.rpc;
    },
    get receiver() {
      return receiver;
    },
    newRequests,
    lastRequest: () => {
      const fresh = newRequests();
      seen = receiver.requests.length;
      expect(fresh, 'new requests').to.have.length(1);
      return fresh[0] as ReceivedRequest;
    },
    nextRequest: async () => (await receiver.waitFor(seen + 1))[seen] as ReceivedRequest,
  };
}
