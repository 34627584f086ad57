import type { WriteStream } from 'node:tty';

/** Prints headings, named lines and tables. It uses colours on a terminal only. */
export interface Page {
  title(text: string): void;
  chapter(text: string): void;
  line(name: string, text: string): void;
  table(head: readonly string[], rows: readonly (readonly string[])[]): void;
  good(text: string): string;
  bad(text: string): string;
  dim(text: string): string;
}

const NAME_WIDTH = 10;

/** Creates a page that prints to a stream. */
export function createPage(stream: WriteStream | NodeJS.WriteStream): Page {
  const isColourful = stream.isTTY && process.env['NO_COLOR'] === undefined;
  const paint = (code: number) => (text: string) => (isColourful ? `\u001b[${code}m${text}\u001b[0m` : text);
  const bold = paint(1);
  const dim = paint(2);
  const write = (text: string): void => void stream.write(`${text}\n`);
  let chapters = 0;
  return {
    title: (text) => write(bold(text)),
    chapter: (text) => write(`\n${bold(`${(chapters += 1)}  ${text}`)}`),
    line: (name, text) => write(`   ${dim(name.padEnd(NAME_WIDTH))}${text}`),
    table: (head, rows) => {
      const widths = head.map((cell, column) =>
        Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
      );
      const join = (row: readonly string[]): string =>
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd();
      write(`   ${dim(join(head))}`);
      for (const row of rows) write(`   ${join(row)}`);
    },
    good: paint(32),
    bad: paint(31),
    dim,
  };
}
