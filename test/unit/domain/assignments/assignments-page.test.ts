import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { compileAttributePath, readAttribute } from '../../../../src/domain/assignments/attribute-path.ts';
import { attributeNameProblem } from '../../../../src/domain/assignments/attribute-spelling.ts';
import type { JsonValue } from '../../../../src/domain/json.ts';

const PAGE = readFileSync(new URL('../../../../docs/assignments.md', import.meta.url), 'utf8');

describe('docs/assignments.md', () => {
  const services = [...PAGE.matchAll(/^\| [^|]+ \| `(\{.*\})` \| `([^|]*)` \|$/gm)];

  it('has a path for some services', () => {
    expect(services).to.have.length.above(3);
  });

  for (const [, answer = '', path = ''] of services)
    it(`finds ${path} in ${answer}`, () => {
      expect(attributeNameProblem(path)).to.equal(undefined);
      const found = readAttribute(JSON.parse(answer) as JsonValue, compileAttributePath(path));
      expect(found).to.be.a('string');
    });

  const written = /\| to take \| write \|\n.*\n([^]*?)\n\n/.exec(PAGE)?.[1] ?? '';
  for (const [, path = ''] of written.matchAll(/`([^`]+)`/g))
    it(`writes the path ${path}, which is accepted`, () => {
      expect(attributeNameProblem(path)).to.equal(undefined);
    });

  it('shows the violation of a wildcard as it is', () => {
    expect(PAGE).to.include(`  ${attributeNameProblem('items[*].name')}\n`);
  });
});
