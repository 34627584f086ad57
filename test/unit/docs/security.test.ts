import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const root = new URL('../../../', import.meta.url);
const page = new URL('docs/security.md', root);
const text = readFileSync(page, 'utf8');
const threats = text.split(/^## (?=\d\. )/m).slice(1);
const attackers = ['type a URL', 'endpoint', 'caller', 'thief', 'operator', 'dependency', 'page'];

describe('docs/security.md', () => {
  it('has a part for each attacker', () => {
    expect(threats).to.have.length(attackers.length);
    for (const [at, attacker] of attackers.entries())
      expect(threats[at]?.split('\n')[0]).to.contain(attacker);
  });

  for (const threat of threats) {
    const [title = ''] = threat.split('\n');
    it(`says what holds, which test shows it, and what does not hold, in part ${title}`, () => {
      const rows = [...threat.matchAll(/^\| (?!what holds|---)(.*) \| (.*) \|$/gm)];
      expect(rows.length).to.be.above(2);
      for (const [row = '', , shownBy = ''] of rows)
        expect(shownBy, row).to.match(/\]\(\.\.\/test\/[^)]+\)|^run it/);
      expect(threat).to.contain('**Does not hold.**');
    });
  }

  it('is linked from SECURITY.md, and names only files that exist', () => {
    expect(readFileSync(new URL('SECURITY.md', root), 'utf8')).to.contain('](docs/security.md)');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !existsSync(new URL(link, page)))).to.deep.equal([]);
  });
});
