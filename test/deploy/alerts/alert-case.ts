/** Samples of a series, one a minute, in the notation of promtool: `0+5x60` grows by 5 in each of 60 minutes. */
export type Series = Readonly<Record<string, string>>;

/** What an alert must do with two sets of series. */
export interface AlertCase {
  readonly alert: string;
  /** When it is looked at which alerts fire. */
  readonly at: string;
  /** In words, and as series: when it must fire. */
  readonly fires: readonly [when: string, series: Series];
  /** In words, and as series: when no alert may fire. */
  readonly silent: readonly [when: string, series: Series];
  /** The alerts that the same series make fire too. */
  readonly beside?: readonly string[];
}

/** Returns a series that begins at 0 and has grown by `first` at the second sample, then stays. */
export function once(first: number): string {
  return `0 ${first}x90`;
}

/** Returns a series that grows by `perMinute`. */
export function growing(perMinute: number): string {
  return `0+${perMinute}x90`;
}

/** Returns a series that keeps its value. */
export function constant(value: number): string {
  return `${value}x90`;
}
