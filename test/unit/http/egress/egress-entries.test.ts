import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { parseEgressEntries } from '../../../../src/http/egress/egress-entries.ts';
import { contains, formatIp, parseCidr, parseIp } from '../../../../src/http/egress/ip-address.ts';

const { entries: rows } = JSON.parse(
  readFileSync(new URL('../../../vectors/egress-more.json', import.meta.url), 'utf8'),
) as {
  entries: readonly { entry: string; expect: 'ok' | 'idle' | 'problem' }[];
};

describe('egress entries', () => {
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

  it('come separated by commas and white space, and keep their order', () => {
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

  it('are none for an empty list', () => {
    for (const list of ['', ' , ', []])
      expect(parseEgressEntries(list)).to.deep.equal({ entries: [], problems: [], idle: [] });
  });

  it('report every problem at once, each with its entry and, where there is one, the right spelling', () => {
    const { problems } = parseEgressEntries('CRM.corp.example 10.1.2.3/8 https://x.example');
    expect(problems).to.have.length(3);
    expect(problems[0]).to.contain('"CRM.corp.example"').and.to.contain('crm.corp.example');
    expect(problems[1]).to.contain('10.0.0.0/8');
    expect(problems[2]).to.contain('URL');
  });

  it('never throw, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseEgressEntries(text);
      }),
    );
  });
});

describe('addresses as bytes', () => {
  it('survive the way to text and back', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ minLength: 4, maxLength: 4 }),
          fc.uint8Array({ minLength: 16, maxLength: 16 }),
        ),
        (bytes) => {
          expect(Array.from(parseIp(formatIp(bytes)) ?? [])).to.deep.equal(Array.from(bytes));
        },
      ),
    );
  });

  it('lie in a block exactly when their first bits are its', () => {
    const bits = (bytes: Uint8Array) =>
      Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
    const four = fc.uint8Array({ minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(four, four, fc.integer({ min: 0, max: 32 }), (block, address, prefix) => {
        const mixed = Uint8Array.from(block, (byte, index) =>
          index * 8 < prefix - 8 ? byte : (address[index] ?? 0),
        );
        for (const candidate of [address, mixed, block]) {
          expect(contains({ bytes: block, prefix }, candidate)).to.equal(
            bits(candidate).startsWith(bits(block).slice(0, prefix)),
          );
        }
      }),
    );
  });

  it('of the other family lie in no block', () => {
    const everything = parseCidr('::/0');
    expect(everything && contains(everything, Uint8Array.of(1, 2, 3, 4))).to.equal(false);
  });
});
