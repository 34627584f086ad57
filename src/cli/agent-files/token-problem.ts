import { Lexer } from 'yaml';

/** How many tokens a file may have. An agent of 100,000 values has fewer; blanks, comments and line breaks are tokens too. */
const MAX_TOKENS = 1_000_000;
const STEPS: Readonly<Record<string, number>> = { '[': 1, '{': 1, ']': -1, '}': -1 };

/** Says what is wrong with the tokens of a text. */
export type TokenProblem = 'too deep' | 'too many';

/**
 * Looks for brackets that are nested deeper than `maxDepth`, and for too many tokens. It splits the text only, and stops at the
 * first problem: the parser would take a minute and gigabytes of memory for a few MiB of brackets.
 */
export function tokenProblem(text: string, maxDepth: number): TokenProblem | undefined {
  let count = 0;
  let depth = 0;
  for (const token of new Lexer().lex(text)) {
    count += 1;
    depth = Math.max(0, depth + (STEPS[token] ?? 0));
    if (depth > maxDepth) return 'too deep';
    if (count > MAX_TOKENS) return 'too many';
  }
  return undefined;
}
