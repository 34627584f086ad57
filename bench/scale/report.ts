/** The times of one operation, in milliseconds. */
export interface Line {
  readonly title: string;
  readonly smallMs: number;
  readonly largeMs: number;
  /** Every measured time on the large database. */
  readonly large: readonly number[];
}

/** Returns the median of some numbers. */
export function medianOf(numbers: readonly number[]): number {
  return quantile(numbers, 0.5);
}

function quantile(numbers: readonly number[], share: number): number {
  return (
    numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))] ?? 0
  );
}

/** Returns the lines as a Markdown table. */
export function toTable(lines: readonly Line[]): string {
  return [
    '| operation | small, ms | large, ms | ratio | large, slowest, ms |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...lines.map(({ title, smallMs, largeMs, large }) => {
      const numbers = [smallMs, largeMs, largeMs / smallMs, Math.max(...large)];
      return `| ${title} | ${numbers.map((number) => number.toFixed(2)).join(' | ')} |`;
    }),
  ].join('\n');
}
