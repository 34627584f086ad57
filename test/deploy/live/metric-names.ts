/** What PromQL has beside names of metrics, labels and functions. */
const KEYWORDS = new Set(['and', 'or', 'unless', 'offset', 'bool', 'inf', 'nan']);

/** Returns the names of the metrics that an expression reads. */
export function metricNames(expr: string): ReadonlySet<string> {
  const bare = expr
    .replaceAll(/#.*/g, '')
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const names = Array.from(bare.matchAll(/\b[a-z_][\w:]*\b(?!\s*\()/gi), ([name]) => name);
  // The aggregations stand before "by", so no bracket follows them any more.
  return new Set(names.filter((name) => !KEYWORDS.has(name.toLowerCase()) && /_|^up$|^ALERTS$/.test(name)));
}

/** Returns the names of the metrics on a page of Prometheus' text format, without the endings of histograms. */
export function namesOnPage(page: string): ReadonlySet<string> {
  return new Set(Array.from(page.matchAll(/^# TYPE (\S+) /gm), ([, name = '']) => name));
}

/** Returns the name of the metric that a series belongs to: `a_seconds_bucket` belongs to the histogram `a_seconds`. */
export function metricOf(series: string, known: ReadonlySet<string>): string {
  const histogram = series.replace(/_(?:bucket|sum|count)$/, '');
  return known.has(histogram) ? histogram : series;
}
