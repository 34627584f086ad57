/** Is a fenced block of a Markdown page with a comment `<!-- sample: … -->` in the line before. */
export interface SampleBlock {
  /** Is the first word of the comment, such as `webhook`. */
  readonly kind: string;
  /** Is the rest of the comment. */
  readonly argument: string;
  readonly text: string;
  /** Is the number of its first line, from 1. */
  readonly line: number;
}

const BLOCK = /^<!-- sample: (\S+) ?(.*) -->\n```\w+\n([^]*?)^```$/gm;

/** Returns the marked blocks of a page, in order. */
export function readSamples(page: string): readonly SampleBlock[] {
  return Array.from(page.matchAll(BLOCK), ({ 1: kind = '', 2: argument = '', 3: text = '', index }) => ({
    kind,
    argument,
    text: text.trimEnd(),
    line: page.slice(0, index).split('\n').length + 2,
  }));
}
