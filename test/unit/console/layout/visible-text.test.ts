import { expect } from 'chai';
import { visibleText } from '../../../../src/console/layout/visible-text.ts';

describe('visibleText', () => {
  it('writes characters that can not be seen, or turn the order of others, as JSON does', () => {
    expect(visibleText('full\u200b_name')).to.equal(String.raw`full\u200b_name`);
    expect(visibleText('"\u202eeslaf"')).to.equal(String.raw`"\u202eeslaf"`);
    expect(visibleText('\ufeffa\u00adb\u2066\u0085')).to.equal(String.raw`\ufeffa\u00adb\u2066\u0085`);
  });

  it('keeps JSON the same JSON', () => {
    const value = { 'na\u200bme': 'a\u2028b \u202e', more: ['\ufeff'] };
    expect(JSON.parse(visibleText(JSON.stringify(value)))).to.deep.equal(value);
  });

  it('leaves words of all languages, emoji and line ends as they are', () => {
    const text = 'محمد عبد الله דוד 漢字 naïve می\u200cخواهم 👩\u200d💻 a\tb\nc\u00a0!';
    expect(visibleText(text)).to.equal(text);
  });
});
