import { expect } from 'chai';
import { originOfTemplate } from '../../../../src/domain/template/url-template.ts';

describe('originOfTemplate', () => {
  const rows: [title: string, text: string, origin: string | undefined][] = [
    ['the origin of a URL with placeholders', 'https://a.example/{{x}}?y={{z.0}}', 'https://a.example'],
    ['no default port', 'https://a.example:443/', 'https://a.example'],
    ['another port', 'http://a.example:8080/{{x}}', 'http://a.example:8080'],
    ['the origin as the WHATWG parser writes it', 'HTTPS://Bücher.example/', 'https://xn--bcher-kva.example'],
    ['undefined for a placeholder in the host', 'https://{{x}}.example/', undefined],
    ['undefined for a backslash', 'https:\\\\a.example/', undefined],
    ['undefined for a user', 'https://u@a.example/', undefined],
    ['undefined for a broken template', 'https://a.example/{{', undefined],
    ['undefined for an empty text', '', undefined],
  ];
  for (const [title, text, origin] of rows) {
    it(`returns ${title}`, () => {
      expect(originOfTemplate(text)).to.equal(origin);
    });
  }
});
