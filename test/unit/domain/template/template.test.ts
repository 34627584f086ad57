import { expect } from 'chai';
import fc from 'fast-check';
import {
  parseTemplate,
  placeholdersOf,
  wholePlaceholder,
  type Template,
} from '../../../../src/domain/template/template.ts';

const templateOf = (text: string, escapes = true): Template => {
  const parsed = parseTemplate(text, { escapes });
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.template;
};

/** Returns literals as they are, and placeholders as their names in brackets. */
const shown = (text: string) =>
  templateOf(text).map((part) => (typeof part === 'string' ? part : [part.text]));

describe('parseTemplate', () => {
  const accepted: [title: string, text: string, parts: (string | string[])[]][] = [
    ['returns no parts for an empty text', '', []],
    ['keeps text without braces', 'a } b', ['a } b']],
    ['keeps single braces and closing pairs', '{a} }} {', ['{a} }} {']],
    ['finds a placeholder', '{{a}}', [['a']]],
    ['ignores blanks inside the braces', '{{ \ta.b-c.0 }}', [['a.b-c.0']]],
    ['finds placeholders side by side', '{{a}}{{b}}', [['a'], ['b']]],
    ['keeps the text around placeholders', 'x{{a}}y{{b}}z', ['x', ['a'], 'y', ['b'], 'z']],
    ['reads an escape as a literal pair', '\\{{a}}', ['{{a}}']],
    ['reads an escape before a placeholder', '\\{{{{a}}', ['{{', ['a']]],
    ['reads an escape after a placeholder', '{{a}}\\{{', [['a'], '{{']],
    ['keeps any other backslash', '\\\\{{a}} \\n', ['\\{{a}} \\n']],
    ['accepts 16 segments', `{{${Array(16).fill('a').join('.')}}}`, [[Array(16).fill('a').join('.')]]],
    ['accepts a segment of 64 characters', `{{${'a'.repeat(64)}}}`, [['a'.repeat(64)]]],
    ['keeps a closing brace behind a placeholder as text', '{{a}}}', [['a'], '}']],
  ];
  for (const [title, text, parts] of accepted) {
    it(title, () => expect(shown(text)).to.deep.equal(parts));
  }

  const refused: [title: string, text: string, character: number][] = [
    ['an open pair', 'ab {{', 4],
    ['an empty placeholder', '{{}}', 1],
    ['a blank inside a name', '{{a b}}', 1],
    ['a line break around a name', '{{\na}}', 1],
    ['an empty segment', '{{a..b}}', 1],
    ['a dot at an end', '{{a.}}', 1],
    ['three braces', '{{{a}}}', 1],
    ['a character outside of names', '{{é}}', 1],
    ['17 segments', `{{${Array(17).fill('a').join('.')}}}`, 1],
    ['a segment of 65 characters', `{{${'a'.repeat(65)}}}`, 1],
    ['the second pair when the first is right', '{{a}}{{', 6],
    ['a pair behind an escape', '\\{{ {{', 5],
  ];
  for (const [title, text, character] of refused) {
    it(`refuses ${title}`, () => {
      const parsed = parseTemplate(text, { escapes: true });
      expect(parsed.ok).to.equal(false);
      expect(!parsed.ok && parsed.error).to.match(new RegExp(`character ${character}$`));
    });
  }

  it('refuses an escape when escapes are off', () => {
    const parsed = parseTemplate('/\\{{a', { escapes: false });
    expect(!parsed.ok && parsed.error)
      .to.contain('%7B%7B')
      .and.to.contain('character 3');
  });

  it('never repeats the text in its error', () => {
    const parsed = parseTemplate('{{sk_live_51Hx', { escapes: true });
    expect(!parsed.ok && parsed.error).not.to.contain('sk_live');
  });

  it('joins neighbouring literals and leaves out empty ones, for any text', () => {
    const piece = fc.constantFrom('{', '}', '{{', '}}', '\\', 'a', '.', ' ', '{{a}}', '\\{{', '{{b.0}}');
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join('')),
        (text) => {
          const parsed = parseTemplate(text, { escapes: true });
          if (!parsed.ok) return;
          const written = parsed.template.map((part) =>
            typeof part === 'string' ? part.replace(/\{\{(?=(?:\{\{)*(?!\{))/g, '\\{{') : `{{${part.text}}}`,
          );
          expect(templateOf(written.join(''))).to.deep.equal(parsed.template);
          expect(parsed.template).not.to.include('');
          const types = parsed.template.map((part) => typeof part);
          expect(types.some((type, i) => type === 'string' && types[i + 1] === 'string')).to.equal(false);
        },
      ),
    );
  });
});

describe('placeholdersOf', () => {
  it('returns placeholders in order of use, repeated ones repeated', () => {
    expect(placeholdersOf(templateOf('{{b}} {{a.0}} {{b}}')).map(({ text }) => text)).to.deep.equal([
      'b',
      'a.0',
      'b',
    ]);
  });
});

describe('wholePlaceholder', () => {
  it('returns a placeholder only when it is the entire template', () => {
    expect(wholePlaceholder(templateOf('{{ a.b }}'))?.segments).to.deep.equal(['a', 'b']);
    for (const text of [' {{a}}', '{{a}} ', '{{a}}{{a}}', 'a', '', '\\{{a}}']) {
      expect(wholePlaceholder(templateOf(text)), text).to.equal(undefined);
    }
  });
});
