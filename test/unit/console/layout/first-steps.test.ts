import { expect } from 'chai';
import { firstAgent, firstCall } from '../../../../src/console/layout/first-steps.ts';
import { argumentsOf } from '../../explain/copy/run-shell.ts';

const PLAIN = { address: '127.0.0.1:50051', isTls: false, needsToken: false };
const SECURED = { address: 'YOUR-SERVER:443', isTls: true, needsToken: true };

const messageOf = (command: string): unknown => JSON.parse(command.split('\n').slice(1, -1).join('\n'));

for (const [name, command, rpc] of [
  ['firstAgent', firstAgent, 'callhooks.v1.AgentAdmin/CreateAgent'],
  ['firstCall', firstCall, 'callhooks.v1.CallLifecycle/OnCallStart'],
] as const)
  describe(name, () => {
    it('returns a command for a plaintext server without tokens', () => {
      expect(argumentsOf('grpcurl', command(PLAIN))).to.deep.equal([
        ['-plaintext', '-d', '@', '127.0.0.1:50051', rpc],
      ]);
    });

    it('uses TLS and a token of the shell, where the server wants them', () => {
      expect(argumentsOf('grpcurl', command(SECURED), { TOKEN: 'a $b' })).to.deep.equal([
        ['-H', 'authorization: Bearer a $b', '-d', '@', 'YOUR-SERVER:443', rpc],
      ]);
    });

    it('hands over a message of the same agent', () => {
      expect(JSON.stringify(messageOf(command(PLAIN)))).to.include(
        '"agent_uuid":"a0000000-0000-4000-8000-000000000001"',
      );
    });
  });

describe('firstCall of a given agent', () => {
  it('names that agent', () => {
    expect(messageOf(firstCall(PLAIN, 'a0000000-0000-4000-8000-000000000002'))).to.include({
      agent_uuid: 'a0000000-0000-4000-8000-000000000002',
    });
  });
});
