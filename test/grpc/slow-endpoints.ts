import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, postTo } from '../support/calls.ts';
import type { Engine } from '../support/engines.ts';
import { startReceiver, type Receiver, type Respond } from '../support/receiver.ts';
import type { Partially } from '../support/rpc.ts';

/**
 * Starts, for the tests of a suite, an app with two endpoints that hold their answers back. `release` lets both answer; each
 * test begins with endpoints that hold.
 */
export function useSlowEndpoints(engine: Engine, env: Record<string, string>) {
  let app: TestApp;
  let receivers: Receiver[];
  let release: () => void;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8', ...env });
  });
  after(() => app.close());
  beforeEach(async () => {
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const answer: Respond = async () => {
      await released;
      return {};
    };
    receivers = await Promise.all([startReceiver(answer), startReceiver(answer)]);
  });
  afterEach(async () => {
    release();
    await Promise.all(receivers.map((receiver) => receiver.close()));
  });
  return {
    app: () => app,
    release: () => release(),
    /** Returns one of the two endpoints, which are two origins. */
    endpoint: (index: 0 | 1) => receivers[index] as Receiver,
    /** Creates an agent whose one webhook posts to that endpoint. */
    agentFor: (index: 0 | 1, kind: 'pre' | 'post', more?: Partially<pb.WebhookConfig>) =>
      makeAgent(app.rpc, {
        variables: { v: null },
        [kind]: postTo(receivers[index]?.url ?? '', undefined, more),
      }),
  };
}
