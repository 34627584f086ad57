import { expect } from 'chai';
import fc from 'fast-check';
import { toDocument } from '../../src/cli/agent-files/to-document.ts';
import { MASK } from '../../src/domain/redaction/redact.ts';
import { anyAgent, type Known } from '../support/arbitrary-requests.ts';
import { RpcError } from '../support/rpc.ts';
import { agentUuid, startAgentFilesCase, type AgentFilesCase } from './agent-files-case.ts';

const SECRETS = {
  token: 'a long enough secret',
  signing: `whsec_${Buffer.alloc(24, 1).toString('base64')}`,
};
const KNOWN: Known = {
  agentUuids: [],
  webhookUuids: [],
  conversationUuids: [],
  executionUuids: [],
  pageTokens: [],
  etags: [],
  endpoint: 'https://api.example.com',
};

describe('an agent that was exported', function () {
  this.timeout(120_000);
  let files: AgentFilesCase;
  let tried = 0;
  let accepted = 0;

  before(async () => {
    files = await startAgentFilesCase();
  });
  after(() => files.close());

  it('is the same when its file is applied, on its server and on another one', async () => {
    const { rpc } = files.app;
    const id = { agentUuid: agentUuid(1) };
    await fc.assert(
      fc.asyncProperty(anyAgent(KNOWN), async (given) => {
        tried += 1;
        files.clear();
        const created = await rpc.agents
          .createAgent({ agent: { ...given, ...id }, secrets: SECRETS })
          .catch((error: unknown) => {
            if (error instanceof RpcError && error.code === 'INVALID_ARGUMENT') return undefined;
            throw error;
          });
        if (created?.agent === undefined) return;
        accepted += 1;
        expect((await files.export()).code).to.equal(0);
        const [name = ''] = files.list();
        const { out, err } = await files.apply({ dryRun: true });
        expect(err + files.read(name)).not.to.match(/a long enough secret|whsec_/);
        expect({ out: out.split(':')[0], err }).to.deep.equal({ out: 'Nothing to do', err: '' });
        expect((await files.export()).count.unchanged).to.equal(1);
        await rpc.agents.deleteAgent(id);
        // A mask stands for a value that only this server has.
        if (files.read(name).includes(MASK)) return;
        const applied = await files.apply({}, SECRETS);
        expect(applied.err).to.equal('');
        const { agent } = await rpc.agents.getAgent(id);
        expect(toDocument(agent!)).to.deep.equal(toDocument(created.agent));
        await rpc.agents.deleteAgent(id);
      }),
      { numRuns: 150 },
    );
    expect(accepted).to.be.greaterThan(tried / 10);
  });
});
