import { expect } from 'chai';

/** Is HTML that breaks out of a text or of an attribute where it is not escaped. */
export const PLANTED = `'"></textarea></title><script>window.planted=1</script><img src=x onerror=planted()>{{`;

/** Expects that a page shows the planted text, and that nothing of it became HTML. */
export function expectPlainText(html: string): void {
  expect(html, 'the planted text is on the page').to.include('&lt;script&gt;window.planted=1');
  expect(html).not.to.include('<script>window').and.not.to.include('<img');
  expect(html.match(/<script/g), 'scripts of the page').to.have.length(1);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};

/** Returns what a reader sees of a page: the text between its tags, with single blanks. */
export function textOf(html: string): string {
  const text = html
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&[^;]+;/g, (entity) => ENTITIES[entity] ?? entity);
  return text.replaceAll(/\s+/g, ' ').trim();
}
