/** Prints what was counted, so that docs/failure-modes.md can be filled from a run. */
export function reportFigures(title: string, figures: Readonly<Record<string, number | string>>): void {
  const parts = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  process.stdout.write(`      [figures] ${title}: ${parts.join(', ')}\n`);
}
