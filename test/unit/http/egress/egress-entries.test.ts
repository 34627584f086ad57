import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { parseEgressEntries } from '../../../../src/http/egress/egress-entries.ts';

const { entries: rows } = JSON.parse(
  readFileSync(new URL('../../../vectors/egress-more.json', import.meta.url), 'utf8'),
) as {
  entries: readonly { entry: string; expect: 'ok' | 'idle' | 'problem' }[];
};

describe('parseEgressEntries', () => {
  for (const { entry, expect: expected } of rows) {
    it(`reads "${entry}" as ${expected}`, () => {
      const { entries, problems, idle } = parseEgressEntries([entry]);
      const shape = { entries: entries.length, problems: problems.length > 0, idle: idle.length > 0 };
      expect(shape).to.deep.equal({
        entries: expected === 'problem' ? 0 : 1,
        problems: expected === 'problem',
        idle: expected === 'idle',
      });
    });
  }

  it('reads entries between commas and white space, in their order', () => {
    const { entries, problems } = parseEgressEntries(
      ' 10.0.0.0/8:80,crm.corp.example\n\t*.x.example ,, [fd12::/16]:8080 ',
    );
    expect(problems).to.deep.equal([]);
    expect(entries.map(({ text, port }) => [text, port])).to.deep.equal([
      ['10.0.0.0/8:80', 80],
      ['crm.corp.example', undefined],
      ['*.x.example', undefined],
      ['[fd12::/16]:8080', 8080],
    ]);
  });

  it('returns no entries for an empty list', () => {
    for (const list of ['', ' , ', []])
      expect(parseEgressEntries(list)).to.deep.equal({ entries: [], problems: [], idle: [] });
  });

  it('returns every problem, with its entry and the right spelling if there is one', () => {
    const { problems } = parseEgressEntries('CRM.corp.example 10.1.2.3/8 https://x.example');
    expect(problems).to.have.length(3);
    expect(problems[0]).to.contain('"CRM.corp.example"').and.to.contain('crm.corp.example');
    expect(problems[1]).to.contain('10.0.0.0/8');
    expect(problems[2]).to.contain('URL');
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseEgressEntries(text);
      }),
    );
  });
});
