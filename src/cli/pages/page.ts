import { styleText } from 'node:util';
import { shortJson, type Tone } from '../../explain/words.ts';
import { plainLine } from '../frame/plain-text.ts';
import type { Shell } from '../frame/shell.ts';

/** Makes the parts of a page for people. Colours are used on a terminal only, and never with NO_COLOR. */
export interface Page {
  /** Returns a heading with its lines below it, indented. Returns nothing without lines. */
  section(title: string, lines: readonly string[]): string[];
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  /** Returns a text as lines that fit into the terminal. */
  wrap(text: string): string[];
}

type Style = 'bold' | 'dim' | 'green' | 'red';

const MAX_WIDTH = 100;
const MIN_WIDTH = 40;
const INDENT = '  ';

/** Makes a page that fits to standard output. */
export function createPage({ stdout }: Pick<Shell, 'stdout'>): Page {
  const styled = (style: Style) => (text: string) => styleText(style, text, { stream: stdout });
  const bold = styled('bold');
  // A terminal that does not know its size says 0.
  const width = Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, stdout.columns || MAX_WIDTH)) - INDENT.length;
  return {
    bold,
    dim: styled('dim'),
    good: styled('green'),
    bad: styled('red'),
    section: (title, lines) =>
      lines.length === 0 ? [] : ['', bold(title), ...lines.map((line) => `${INDENT}${line}`.trimEnd())],
    wrap: (text) => wrap(text, width),
  };
}

/** Returns lines of two columns. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  // A terminal that does not know its size says 0.
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`);
}

/** Returns a text in the colour of its tone. */
export function toned(page: Page, tone: Tone, text: string): string {
  return tone === 'neutral' ? text : page[tone](text);
}

/** Returns a JSON value as a line that is safe to print. A long one is cut. */
export function plainShortJson(value: unknown): string {
  return plainLine(shortJson(value));
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) as string;
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
