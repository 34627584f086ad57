import { expect } from 'chai';
import type { EgressPolicy } from '../../../../src/http/egress/egress-policy.ts';
import { createCheckedTargets } from '../../../../src/http/egress/checked-targets.ts';

describe('createCheckedTargets', () => {
  const asked: string[] = [];
  const policy: EgressPolicy = {
    checkUrl: (url) => {
      asked.push(url);
      return url.includes('forbidden') ? 'it is forbidden' : undefined;
    },
    checkDial: () => expect.fail('nothing is dialled here'),
  };
  beforeEach(() => asked.splice(0));

  it('parses and checks each URL once', () => {
    const targetOf = createCheckedTargets(policy);
    const first = targetOf('http://crm.example/a?b');
    expect(first).to.include({ origin: 'http://crm.example', path: '/a?b' });
    expect(targetOf('http://crm.example/a?b')).to.equal(first);
    expect(targetOf('http://crm.example/a?c')).to.include({ path: '/a?c' });
    expect(asked).to.deep.equal(['http://crm.example/a?b', 'http://crm.example/a?c']);
  });

  it('keeps the result of a refused URL and of a text that is not a URL', () => {
    const targetOf = createCheckedTargets(policy);
    for (let round = 0; round < 2; round++) {
      expect(targetOf('http://forbidden.example/')).to.deep.equal({ problem: 'it is forbidden' });
      expect(targetOf('nonsense')).to.deep.equal({ problem: 'the URL is not valid' });
    }
    expect(asked).to.have.length(2);
  });

  it('keeps 1,000 results at most', () => {
    const targetOf = createCheckedTargets(policy);
    for (let index = 0; index < 1_000; index++) targetOf(`http://crm.example/${index}`);
    targetOf('http://crm.example/0');
    expect(asked).to.have.length(1_000);
    targetOf('http://crm.example/1000');
    targetOf('http://crm.example/0');
    expect(asked).to.have.length(1_002);
  });

  it('does not keep the result of a URL over 1,024 characters', () => {
    const targetOf = createCheckedTargets(policy);
    const long = `http://crm.example/?${'x'.repeat(1_024)}`;
    targetOf(long);
    targetOf(long);
    expect(asked).to.have.length(2);
  });
});
