/** The values of labels, in the order of their names. */
export type LabelValues = readonly string[];

/** What is known of a metric before it has values. */
export interface MetricInfo {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** The labels, each with the closed set of its values. A value outside of the set counts as the last one of it. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

/** A metric as the page shows it. */
export interface Metric {
  readonly info: MetricInfo;
  /** Returns the lines of its samples, each with its line break. */
  samples(): string;
}

/** A metric that only grows. */
export interface Counter extends Metric {
  add(values: LabelValues, by?: number): void;
}

/** A metric that counts observed values by their size. */
export interface Histogram extends Metric {
  observe(values: LabelValues, observed: number): void;
}

/** The samples of one combination of label values. */
interface Series {
  samples(): string;
}

/**
 * Makes a counter. Each combination of label values in `fromStart` is on the page before it is counted, so that a first event
 * is an increase for Prometheus.
 */
export function createCounter(info: MetricInfo, fromStart: readonly LabelValues[]): Counter {
  const series = createSeries(info, (labels) => {
    const start = `${info.name}${braced(labels)} `;
    const counted = { count: 0, samples: () => `${start}${counted.count}\n` };
    return counted;
  });
  for (const values of fromStart) series.find(values);
  return {
    info,
    samples: series.samples,
    add: (values, by = 1) => {
      series.find(values).count += by;
    },
  };
}

/** Makes a histogram whose buckets end at these bounds, which ascend. Without labels it is on the page from the start. */
export function createHistogram(info: MetricInfo, bounds: readonly number[]): Histogram {
  const series = createSeries(info, (labels) => createBuckets(info.name, labels, bounds));
  if (Object.keys(info.labels).length === 0) series.find([]);
  return {
    info,
    samples: series.samples,
    observe: (values, observed) => series.find(values).observe(observed),
  };
}

/** Makes a metric whose values are read when the page is made. Without labels it has one value, for no labels. */
export function createReadMetric(
  info: MetricInfo,
  read: () => readonly (readonly [LabelValues, number])[],
): Metric {
  const names = Object.keys(info.labels);
  return {
    info,
    samples: () =>
      read()
        .map(([values, value]) => `${info.name}${braced(labelsText(names, values))} ${numberText(value)}\n`)
        .join(''),
  };
}

function createBuckets(name: string, labels: string, bounds: readonly number[]) {
  const comma = labels === '' ? '' : ',';
  const starts = [...bounds.map(String), '+Inf'].map((le) => `${name}_bucket{${labels}${comma}le="${le}"} `);
  // The last count is that of the values beyond all bounds.
  const counts = Array.from(starts, () => 0);
  let sum = 0;
  return {
    observe: (observed: number): void => {
      let at = 0;
      while (at < bounds.length && observed > (bounds[at] ?? Infinity)) at += 1;
      counts[at] = (counts[at] ?? 0) + 1;
      sum += observed;
    },
    samples: (): string => {
      let total = 0;
      let text = '';
      for (const [at, start] of starts.entries()) {
        total += counts[at] ?? 0;
        text += `${start}${total}\n`;
      }
      return `${text}${name}_sum${braced(labels)} ${numberText(sum)}\n${name}_count${braced(labels)} ${total}\n`;
    },
  };
}

/** Keeps the series of a metric by their label values. There are never more than the closed sets of the labels allow. */
function createSeries<S extends Series>({ labels }: MetricInfo, make: (labels: string) => S) {
  const names = Object.keys(labels);
  const sets = Object.values(labels);
  const byValues = new Map<string, S>();
  const closed = (values: LabelValues): LabelValues =>
    sets.map((set, at) => (set.includes(values[at] ?? '') ? (values[at] ?? '') : (set.at(-1) ?? '')));
  const findClosed = (values: LabelValues): S => {
    const inSets = closed(values);
    const key = keyOf(inSets);
    const found = byValues.get(key) ?? make(labelsText(names, inSets));
    byValues.set(key, found);
    return found;
  };
  return {
    find: (values: LabelValues): S => byValues.get(keyOf(values)) ?? findClosed(values),
    samples: (): string => {
      let text = '';
      for (const one of byValues.values()) text += one.samples();
      return text;
    },
  };
}

function keyOf(values: LabelValues): string {
  return values.length === 1 ? (values[0] ?? '') : values.join('\n');
}

function labelsText(names: readonly string[], values: LabelValues): string {
  return names.map((name, at) => `${name}="${escapeValue(values[at] ?? '')}"`).join(',');
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
