/** One line of the table that the hostile suite prints at its end. */
export interface AttackReport {
  /** The attack in a few words. */
  readonly attack: string;
  /** The longest time for which the event loop of the server stood still. */
  readonly longestStallMs: number;
  /** The most CPU time that the event loop took without a break. It is less than the stall when the machine was busy. */
  readonly longestBusyMs?: number;
  /** The most memory that the server process had resident during the attack. */
  readonly peakMemoryMb: number;
  /** What the record of the execution says, or how the RPCs were answered. */
  readonly record: string;
}

const reports: AttackReport[] = [];

/** Adds a line to the table that is printed after all tests. */
export function reportAttack(report: AttackReport): void {
  reports.push(report);
}

// Mocha loads this file outside of every suite, so this hook runs once, after all tests.
after(() => {
  if (reports.length === 0) return;
  const lines = reports.map(({ attack, longestStallMs, longestBusyMs, peakMemoryMb, record }) => [
    attack,
    longestStallMs.toFixed(0),
    longestBusyMs?.toFixed(0) ?? '',
    peakMemoryMb.toFixed(0),
    record,
  ]);
  const heads = [
    'attack',
    'longest stall (ms)',
    'longest work (ms)',
    'peak memory (MB)',
    'what the record says',
  ];
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const rule = widths.map((width) => '-'.repeat(width));
  const print = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  process.stdout.write(`\n${[heads, rule, ...lines].map(print).join('')}\n`);
});
