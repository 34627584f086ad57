/** A fenced block of a Markdown page. */
export interface Block {
  /** The text of a comment `<!-- readme: … -->`, or of one of its like, in the line before; empty without one. */
  readonly directive: string;
  readonly language: string;
  readonly text: string;
  /** The number of its first line, from 1. */
  readonly line: number;
}

const BLOCK = /(?:^<!-- (?:readme|operations): (.*) -->\n)?^```(\w+)\n([^]*?)^```$/gm;

/** Returns the fenced blocks of a page, in order. */
export function readBlocks(page: string): readonly Block[] {
  return [...page.matchAll(BLOCK)].map((match) => {
    const [whole, directive = '', language = '', text = ''] = match;
    const before = page.slice(0, match.index + whole.indexOf('```'));
    return { directive, language, text: text.trimEnd(), line: before.split('\n').length + 1 };
  });
}

/** A command to type, and what it prints if the page shows that. */
export interface Step {
  readonly command: Block;
  readonly shows?: Block;
}

/** Returns each `sh` block without a directive, with the `text` block that follows it. */
export function readSteps(blocks: readonly Block[]): readonly Step[] {
  return blocks.flatMap((command, index) => {
    if (command.language !== 'sh' || command.directive !== '') return [];
    const next = blocks[index + 1];
    const isShown = next?.language === 'text' && next.directive === '';
    return [isShown ? { command, shows: next } : { command }];
  });
}

/** Returns the relative paths that a page links to. */
export function readLinks(page: string): readonly string[] {
  return [...page.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, path = '']) => path);
}
