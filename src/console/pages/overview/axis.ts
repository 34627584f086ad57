import { html } from 'hono/html';
import type { Html } from '../../layout/shell.ts';

/** The room of a chart, in units of its drawing. */
export interface Plot {
  readonly width: number;
  readonly height: number;
  /** The room on the right for the numbers, where the newest steps are, and below for the times. */
  readonly right: number;
  readonly bottom: number;
  readonly top: number;
}

/** A scale from 0 up, with the values that get a line. */
export interface Scale {
  readonly max: number;
  readonly ticks: readonly number[];
}

const MAX_TICKS = 4;

/** Returns a scale that has room for `largest`, with at most four round values above 0. */
export function scaleFor(largest: number): Scale {
  if (!(largest > 0)) return { max: 1, ticks: [1] };
  const power = 10 ** Math.floor(Math.log10(largest / MAX_TICKS));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => largest <= each * MAX_TICKS);
  const size = step ?? 10 * power;
  const count = Math.ceil(largest / size - 1e-9);
  const ticks = Array.from({ length: count }, (_, index) => Number(((index + 1) * size).toPrecision(12)));
  return { max: ticks.at(-1) ?? 1, ticks };
}

/** Returns the height at which a value is drawn. */
export function heightOf(plot: Plot, { max }: Scale, value: number): number {
  const room = plot.height - plot.bottom - plot.top;
  return round(plot.height - plot.bottom - (value / max) * room);
}

/** Returns where a step begins, and how wide it is. */
export function stepPlace(
  { right, width }: Plot,
  steps: number,
  index: number,
): { x: number; width: number } {
  const stepWidth = (width - right) / steps;
  return { x: round(index * stepWidth), width: round(stepWidth) };
}

/** Rounds to a tenth, because a finer drawing looks the same and is longer. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Returns the lines and numbers of a scale, and the times below. `times` are spread evenly from the left to the right. */
export function axes(
  plot: Plot,
  scale: Scale,
  label: (value: number) => string,
  times: readonly string[],
): Html {
  const { height, bottom } = plot;
  const end = plot.width - plot.right;
  const line = (value: number): Html => {
    const y = heightOf(plot, scale, value);
    return html`<line class="grid" x1="0" x2="${end}" y1="${y}" y2="${y}" /><text x="${end + 6}" y="${y + 4}"
        >${label(value)}</text
      >`;
  };
  const time = (text: string, index: number): Html => {
    const x = round((index / (times.length - 1)) * end);
    const anchor = index === 0 ? 'start' : index === times.length - 1 ? 'end' : 'middle';
    return html`<text x="${x}" y="${height - bottom + 16}" text-anchor="${anchor}">${text}</text>`;
  };
  return html`${[0, ...scale.ticks].map(line)} ${times.map(time)}`;
}

/** Returns a number of a scale, without digits that only come from the arithmetic. */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(6)));
}
