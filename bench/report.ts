/**
 * Writes the table of bench/results/last.json between the markers of docs/performance.md, and draws
 * docs/performance.svg.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toChart } from './rig/chart.ts';
import { GOALS, isReached, toText, type Figure } from './rig/figures.ts';
import { readResults, type Results } from './rig/results.ts';

const BEGIN = '<!-- bench: made by bench/report.ts from bench/results/ -->';
const END = '<!-- /bench -->';
function docs(name: string): string {
  return fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
}

/** Returns the machine and the table, in Markdown. */
export function toMarkdown(results: Results, before: Results | undefined): string {
  const { machine, takenAt } = results;
  const sync = machine.fdatasyncMs;
  return [
    `${machine.cores} cores of ${machine.cpu}, ${machine.memoryGib} GiB, Linux ${machine.kernel}; Node.js ${machine.node}, MariaDB ${machine.mariadb}, ` +
      `${machine.go}; \`fdatasync\` p50 ${toText(sync.p50, 'ms')}, p99 ${toText(sync.p99, 'ms')}; commit ${machine.commit}, ${takenAt.slice(0, 10)}.`,
    '',
    '| measure | before | now | quartiles | at least | aim |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...results.figures.map((figure) => toRow(figure, before)),
    ...toProfile(results.details['profile'] as Profile | undefined),
    ...toSoak(results.details['soak'] as Soak | undefined),
  ].join('\n');
}

interface Profile {
  readonly threads: readonly { readonly shares: readonly (readonly [area: string, share: number])[] }[];
}

function toProfile(profile: Profile | undefined): string[] {
  const threads = profile?.threads ?? [];
  return threads.flatMap(({ shares }, at) => [
    '',
    `The ten largest shares of the CPU time of a start, SQLite, ${threads.length > 1 ? `thread ${at + 1}` : 'the only thread'}: ` +
      `${shares.map(([area, share]) => `${area} ${(share * 100).toFixed(1)} %`).join(' · ')}.`,
  ]);
}

interface Soak {
  readonly minutes: number;
  readonly rate: number;
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly perHour: Readonly<Record<'memoryMb' | 'handles' | 'p50Ms' | 'p99Ms', number>>;
}

function toSoak(soak: Soak | undefined): string[] {
  if (soak === undefined) return [];
  const { minutes, rate, latency, perHour } = soak;
  return [
    '',
    `${minutes} minutes at ${rate.toFixed(0)} starts a second, 70 % of capacity: p50 ${toText(latency.p50, 'ms')}, p99 ${toText(latency.p99, 'ms')}. ` +
      `Slopes an hour: memory ${toText(perHour.memoryMb, 'MB')} (second half), handles ${toText(perHour.handles, '')}, ` +
      `p50 ${toText(perHour.p50Ms, 'ms')}, p99 ${toText(perHour.p99Ms, 'ms')}.`,
  ];
}

function toRow(figure: Figure, before: Results | undefined): string {
  const { title, unit, atLeast, aim } = GOALS[figure.key] ?? { title: figure.key, unit: '' as const };
  const text = (value: number | undefined): string => (value === undefined ? '' : toText(value, unit));
  const { low, high } = figure;
  const value = `${isReached(figure) ? text(figure.value) : `**${text(figure.value)}**`}${figure.doubt === undefined ? '' : ' ?'}`;
  const quartiles = low === undefined || high === undefined ? '' : `${toText(low, '×')}–${toText(high, '×')}`;
  const earlier = before?.figures.find(({ key }) => key === figure.key)?.value;
  return `| ${[title, text(earlier), value, quartiles, text(atLeast), text(aim)].join(' | ')} |`;
}

/** Returns a text in which the part between the markers is replaced. Throws when there are no markers. */
export function replaceBetween(text: string, content: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no ${BEGIN} … ${END}`);
  return `${text.slice(0, from + BEGIN.length)}\n\n${content}\n\n${text.slice(to)}`;
}

if (import.meta.main) {
  const results = readResults('last') ?? readResults('before');
  if (results === undefined) throw new Error('there is nothing in bench/results/');
  const page = readFileSync(docs('performance.md'), 'utf8');
  writeFileSync(docs('performance.md'), replaceBetween(page, toMarkdown(results, readResults('before'))));
  writeFileSync(docs('performance.svg'), toChart(results));
}
