/** Whether the long form was asked for (`make test-faults LONG=1`). */
export const IS_LONG = (process.env['LONG'] ?? '') !== '';

/** The figure of the form that runs. */
export const inForm = <T>(form: { short: T; long: T }): T => (IS_LONG ? form.long : form.short);

/** Prints what was counted, so that docs/performance.md can be filled from a run. */
export const report = (title: string, figures: Readonly<Record<string, number | string>>): void => {
  const parts = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  process.stdout.write(`      [figures] ${title}: ${parts.join(', ')}\n`);
};
