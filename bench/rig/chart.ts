import type { Comparison } from './pairs.ts';
import type { Results } from './results.ts';

interface Bar {
  readonly title: string;
  readonly value: number;
}

interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 720;
const LABELS = 170;
const ROW = 26;
const HEAD = 34;
const GAP = 16;
const COLOR = { bar: '#3b82f6', other: '#94a3b8', text: '#64748b' };

/** Returns an SVG of the main figures as horizontal bars; it reads on light and dark ground. */
export function toChart(results: Results): string {
  const parts: string[] = [];
  let top = GAP;
  for (const panel of panelsOf(results).filter(({ bars }) => bars.length > 0)) {
    parts.push(...drawPanel(panel, top));
    top += HEAD + panel.bars.length * ROW + GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" font-family="system-ui, sans-serif" font-size="13" role="img">`,
    '<title>What callhooks does beside a bare server</title>',
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel({ title, bars }: Panel, top: number): string[] {
  const longest = Math.max(...bars.map(({ value }) => value));
  const scale = (WIDTH - LABELS - 80) / longest;
  return [
    `<text x="8" y="${top + 16}" font-weight="600" fill="${COLOR.text}">${title}</text>`,
    ...bars.flatMap((bar, at) => {
      const y = top + HEAD + at * ROW;
      const width = Math.max(1, Math.round(bar.value * scale));
      const color = bar.title.startsWith('callhooks') ? COLOR.bar : COLOR.other;
      return [
        `<text x="${LABELS - 8}" y="${y + 14}" text-anchor="end" fill="${COLOR.text}">${bar.title}</text>`,
        `<rect x="${LABELS}" y="${y}" width="${width}" height="${ROW - 8}" rx="3" fill="${color}"/>`,
        `<text x="${LABELS + width + 8}" y="${y + 14}" fill="${COLOR.text}">${toNumber(bar.value)}</text>`,
      ];
    }),
  ];
}

const toNumber = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);

function panelsOf(results: Results): Panel[] {
  const details = results.details as {
    readonly start?: Readonly<Record<string, Comparison>>;
    readonly go?: Comparison;
  };
  const { sqlite, mariadb } = details.start ?? {};
  const sides = [
    ...(sqlite === undefined ? [] : [['bare Node', sqlite.base] as const]),
    ...(details.go === undefined ? [] : [['Go on MariaDB', details.go.base] as const]),
    ...(sqlite === undefined ? [] : [['callhooks, SQLite', sqlite.subject] as const]),
    ...(mariadb === undefined ? [] : [['callhooks, MariaDB', mariadb.subject] as const]),
  ];
  const bars = (read: 'perSecond' | 'cpuUs'): Bar[] =>
    sides.map(([title, side]) => ({ title, value: side[read] }));
  const ofKeys = (keys: readonly (readonly [string, string])[]): Bar[] =>
    keys.flatMap(([title, key]) => {
      const value = results.figures.find((figure) => figure.key === key)?.value;
      return value === undefined ? [] : [{ title, value }];
    });
  return [
    { title: 'OnCallStart a second, on one core', bars: bars('perSecond') },
    { title: 'CPU of the server for one start, µs', bars: bars('cpuUs') },
    {
      title: 'Good answers at an overload ÷ capacity',
      bars: ofKeys([
        ['callhooks at 2 ×', 'goodput-2x'],
        ['callhooks at 5 ×', 'goodput-5x'],
      ]),
    },
  ];
}
