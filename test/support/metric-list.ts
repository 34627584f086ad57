import type { MetricInfo } from '../../src/ops/metrics/metric.ts';
import { createTable } from '../../src/ops/metrics/metric-table.ts';
import { createReadMetrics } from '../../src/ops/metrics/read-metrics.ts';

const unread = (): never => {
  throw new Error('nothing is read here');
};

/** Describes every metric, in the order of the page. */
export const METRIC_LIST: readonly MetricInfo[] = [
  ...Object.values(createTable()),
  ...createReadMetrics(unread, process.version),
].map(({ info }) => info);
