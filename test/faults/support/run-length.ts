/** Says whether the long form was asked for (`make test-faults LONG=1`). */
const IS_LONG_RUN = (process.env['LONG'] ?? '') !== '';

/** Returns the figure of the form that runs. */
export function byRunLength<T>(form: { short: T; long: T }): T {
  return IS_LONG_RUN ? form.long : form.short;
}
