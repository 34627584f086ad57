import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import type { Engine } from '../support/engines.ts';
import { errorOf, type Rpc } from '../support/rpc.ts';
import { PRE_CALL, webhookOf } from '../support/samples.ts';
import type { Row } from './violation-rows.ts';

/** The agent that exists: it declares `x`, and has the secret `s` and a pre-call webhook. */
export const AGENT = '0d9f6c6a-5a0e-4c8e-9d3e-000000000001';

/** Tests that an RPC refuses each request with exactly these violations, and that nothing of them was written. */
export type ExpectViolations = (
  name: string,
  rpc: (rpc: Rpc) => (request: object) => Promise<unknown>,
  rows: readonly Row[],
) => void;

/** Starts an app with an agent for the tests of a suite. */
export function useViolations(engine: Engine): ExpectViolations {
  let app: TestApp;
  let agent: pb.Agent;
  before(async () => {
    app = await startTestApp(engine);
    const created = await app.rpc.agents.createAgent({
      agent: { agentUuid: AGENT, dynamicVariables: { x: 1 }, webhooks: [webhookOf(PRE_CALL)] },
      secrets: { s: 'a secret' },
    });
    agent = created.agent as pb.Agent;
  });
  after(() => app.close());

  return (name, rpc, rows) => {
    describe(name, () => {
      for (const [title, request, fields] of rows) {
        it(`refuses ${title}`, async () => {
          const error = await errorOf(rpc(app.rpc)(request));
          expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'VALIDATION_FAILED' });
          expect(error.fields.toSorted()).to.deep.equal(fields.toSorted());
          expect(error.info['violations']).to.equal(String(fields.length));
          expect(error.violations.every(({ description }) => description !== '')).to.equal(true);
        });
      }
      it('has written nothing of the refused requests', async () => {
        expect((await app.rpc.agents.getAgent({ agentUuid: AGENT })).agent).to.deep.equal(agent);
      });
    });
  };
}
