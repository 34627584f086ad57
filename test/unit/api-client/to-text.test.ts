import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { toText } from '../../../src/api-client/to-text.ts';

const VECTORS = JSON.parse(
  readFileSync(new URL('../../vectors/to-text.json', import.meta.url), 'utf8'),
) as readonly { readonly json: string; readonly text: string }[];

describe('toText', () => {
  for (const { json, text } of VECTORS) {
    it(`returns ${JSON.stringify(text)} for ${json}`, () => {
      expect(toText(JSON.parse(json))).to.equal(text);
    });
  }

  it('returns nothing for a variable that is not there', () => {
    expect(toText(undefined)).to.equal('');
  });
});
