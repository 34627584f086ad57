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

/** Returns an SVG of the main figures as horizontal bars. It can be read on a light and on a dark background. */
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
  const longest = Math.max(1, ...bars.map(({ value }) => value));
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
        `<text x="${LABELS + width + 8}" y="${y + 14}" fill="${COLOR.text}">${bar.value.toFixed(2)}</text>`,
      ];
    }),
  ];
}

function panelsOf(results: Results): Panel[] {
  const valueOf = (key: string): number | undefined =>
    results.figures.find((figure) => figure.key === key)?.value;
  // The Go service is measured beside callhooks on MariaDB, so its ratio to bare Node is a product of two.
  const go = (results.details as { readonly go?: Comparison }).go;
  const goOf = (key: string, ratio: number | undefined): number | undefined => {
    const mine = valueOf(key);
    return mine === undefined || ratio === undefined ? undefined : mine / ratio;
  };
  const bars = (values: Readonly<Record<string, number | undefined>>): Bar[] =>
    Object.entries(values).flatMap(([title, value]) => (value === undefined ? [] : [{ title, value }]));
  return [
    {
      title: 'OnCallStart a second ÷ bare Node: longer is better',
      bars: bars({
        'bare Node, no database': 1,
        'Go on MariaDB': goOf('start-mariadb', go?.perSecond.median),
        'callhooks on MariaDB': valueOf('start-mariadb'),
        'callhooks on SQLite': valueOf('start-sqlite'),
      }),
    },
    {
      title: 'CPU of the server for one start ÷ bare Node: shorter is better',
      bars: bars({
        'bare Node, no database': 1,
        'Go on MariaDB': goOf('start-cpu-mariadb', go?.cpu.median),
        'callhooks on MariaDB': valueOf('start-cpu-mariadb'),
        'callhooks on SQLite': valueOf('start-cpu-sqlite'),
      }),
    },
    {
      title: 'Good answers under overload ÷ capacity: longer is better',
      bars: bars({
        'callhooks at 2 ×': valueOf('goodput-2x'),
        'callhooks at 5 ×': valueOf('goodput-5x'),
      }),
    },
  ];
}
