/** One operation, in milliseconds. */
export interface Line {
  readonly title: string;
  readonly smallMs: number;
  readonly largeMs: number;
  /** Every measured time on the large database. */
  readonly large: readonly number[];
}

/** The middle of some numbers. */
export const medianOf = (numbers: readonly number[]): number => quantile(numbers, 0.5);

const quantile = (numbers: readonly number[], share: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))] ?? 0;

/** The lines as a Markdown table. */
export const toTable = (lines: readonly Line[]): string =>
  [
    '| operation | small, ms | large, ms | ratio | large, slowest, ms |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...lines.map(({ title, smallMs, largeMs, large }) => {
      const numbers = [smallMs, largeMs, largeMs / smallMs, Math.max(...large)];
      return `| ${title} | ${numbers.map((number) => number.toFixed(2)).join(' | ')} |`;
    }),
  ].join('\n');
