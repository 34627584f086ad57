import type { Command, OptionSpec } from './command.ts';

/** The widest line of a help text. */
const WIDTH = 100;

/** Returns the text that `callhooks NAME --help` prints. */
export function commandHelp(name: string, command: Command): string {
  const { about, options, variables = {}, examples, exitCodes } = command;
  const optionRows = [...Object.entries(options).map(optionRow), ['-h, --help', 'print this text'] as const];
  return [
    usageLine(name, command),
    paragraphs(about),
    section('Options', rows(optionRows)),
    section('Environment variables (docs/config.md tells more)', rows(Object.entries(variables))),
    section('Examples', examples.map((line) => `  ${line}`).join('\n')),
    section('Exit codes', rows(Object.entries(exitCodes))),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

/** Returns the line that says how a command is called. */
export function usageLine(name: string, { usage }: Command): string {
  return `Usage: callhooks ${name} ${usage}`.trim();
}

/** Returns lines of two columns. The second one is wrapped. */
export function rows(entries: readonly (readonly [string, string])[]): string {
  const indent = Math.max(0, ...entries.map(([left]) => left.length)) + 4;
  return entries
    .map(([left, right]) => {
      const lines = wrap(right, WIDTH - indent);
      return `  ${left.padEnd(indent - 2)}${lines.join(`\n${' '.repeat(indent)}`)}`;
    })
    .join('\n');
}

function optionRow([name, { value, repeats, help }]: readonly [string, OptionSpec]): readonly [
  string,
  string,
] {
  const text = `--${name}${value === undefined ? '' : ` ${value}`}`;
  return [text, repeats ? `${help} (may be repeated)` : help];
}

function section(title: string, text: string): string {
  return text === '' ? '' : `${title}\n${text}`;
}

/** Returns a text with its lines filled anew. An empty line stays the end of a paragraph. */
function paragraphs(text: string): string {
  return text
    .split('\n\n')
    .map((paragraph) => wrap(paragraph.replaceAll('\n', ' '), WIDTH).join('\n'))
    .join('\n\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
