import { expect } from 'chai';
import { grpcurlOfExecution, grpcurlOfTest } from '../../../../src/explain/copy/as-grpcurl.ts';
import type { ExplainedVariable } from '../../../../src/explain/variables.ts';
import { argumentsOf } from './run-shell.ts';

const TARGET = { address: '127.0.0.1:50051', isTls: false, needsToken: false };

const variable = (name: string, value: unknown, source: string): ExplainedVariable => ({
  ...{ name, value, source, sourceText: '', why: '', isMissed: false },
});

describe('grpcurlOfExecution', () => {
  it('returns the command that shows an execution', () => {
    expect(grpcurlOfExecution(TARGET, 'e1')).to.equal(
      `grpcurl -plaintext -d '{"execution_uuid":"e1"}' 127.0.0.1:50051 callhooks.v1.ExecutionLog/GetExecution`,
    );
  });

  it('takes the token from the shell, and uses TLS, where the server wants them', () => {
    const command = grpcurlOfExecution({ ...TARGET, isTls: true, needsToken: true }, 'e1');
    expect(argumentsOf('grpcurl', command, { TOKEN: 'a $b' })).to.deep.equal([
      [
        ...['-H', 'authorization: Bearer a $b', '-d', '{"execution_uuid":"e1"}', '127.0.0.1:50051'],
        'callhooks.v1.ExecutionLog/GetExecution',
      ],
    ]);
    expect(() => argumentsOf('grpcurl', command)).to.throw('TOKEN');
  });
});

describe('grpcurlOfTest', () => {
  const requestOf = (variables: ExplainedVariable[]) => {
    const [call = []] = argumentsOf('grpcurl', grpcurlOfTest(TARGET, 'w1', variables));
    return JSON.parse(call[call.indexOf('-d') + 1] as string) as object;
  };

  it('gives the variables that OnCallStart gave, whatever is in them', () => {
    const evil = "'; $(id) `id` \u001b[201~\n";
    const variables = [variable('a', evil, 'REQUEST'), variable('b', 1, 'DEFAULT')];
    expect(requestOf(variables)).to.deep.equal({ webhook_uuid: 'w1', dynamic_variables: { a: evil } });
  });

  it('leaves out variables that are too large for a command', () => {
    expect(requestOf([variable('a', 'x'.repeat(100_000), 'REQUEST')])).to.deep.equal({ webhook_uuid: 'w1' });
  });
});
