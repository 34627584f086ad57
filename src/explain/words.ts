import type { Duration } from '../gen/google/protobuf/duration.ts';

/** Says whether something went well, so that a page can show it in a colour. */
export type Tone = 'good' | 'bad' | 'neutral';

/** Returns the word of a value of a generated enum, without its prefix: `SUCCEEDED`. An unknown one is a number. */
export function enumWord(type: Readonly<Record<string, number>>, prefix: string, value: number): string {
  const name = Object.keys(type).find((key) => type[key] === value);
  return name?.startsWith(prefix) ? name.slice(prefix.length) : String(value);
}

/** Returns the milliseconds of a duration. */
export function durationMs({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}

/** Returns a number of milliseconds for people: `12.3 ms`, `2.50 s`. */
export function msText(ms: number): string {
  if (ms < 1000) return `${ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** Returns a duration for people: `12.3 ms`, `2.50 s`. */
export function durationText(duration: Duration): string {
  return msText(durationMs(duration));
}

/** Returns a number of bytes for people. */
export function bytesText(bytes: bigint | number): string {
  return bytes < 10_240 ? countText(Number(bytes), 'byte') : `${Math.round(Number(bytes) / 1024)} KiB`;
}

/** Returns `1 line`, `2 lines`. */
export function countText(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

const MAX_JSON_CHARS = 200;

/** Returns a JSON value as text. A long one is cut, and ends with `…`. */
export function shortJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > MAX_JSON_CHARS ? `${text.slice(0, MAX_JSON_CHARS)}…` : text;
}
