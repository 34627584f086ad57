import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { healthClient } from '../support/health-client.ts';
import { startTestServer } from './test-server.ts';

describe('The health service', () => {
  for (const name of ['', 'callhooks.v1.CallLifecycle', 'callhooks.v1.ExecutionLog']) {
    it(`says whether the server serves, for ${JSON.stringify(name)}`, async () => {
      await using server = await startTestServer({});
      using health = healthClient(server.port);
      expect(await health.check(name)).to.equal('NOT_SERVING');
      server.grpc.setServing(true);
      expect(await health.check(name)).to.equal('SERVING');
      server.grpc.setServing(false);
      expect(await health.check(name)).to.equal('NOT_SERVING');
    });
  }

  it('answers NOT_FOUND for other services', async () => {
    await using server = await startTestServer({});
    using health = healthClient(server.port);
    const failed: unknown = await health.check('callhooks.v1.Other').catch((error: unknown) => error);
    expect(failed).to.include({ code: status.NOT_FOUND });
  });
});
