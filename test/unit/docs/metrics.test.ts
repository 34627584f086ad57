import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { MetricInfo } from '../../../src/ops/metrics/metric.ts';
import {
  GRPC_CODES,
  HTTP_ERROR_TYPES,
  HTTP_METHODS,
  HTTP_STATUSES,
  OTHER,
  RPC_METHODS,
  STORE_FUNCTIONS,
} from '../../../src/ops/metrics/label-values.ts';
import { createTable } from '../../../src/ops/metrics/metric-table.ts';
import { createReadMetrics } from '../../../src/ops/metrics/read-metrics.ts';
import { METRIC_LIST } from '../../support/metric-list.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

const unitOf = (name: string): string => /_(seconds|bytes)(_total)?$/.exec(name)?.[1] ?? '';

const code = (text: string): string => `\`${text}\``;

const metricRow = ({ name, type, help, labels }: MetricInfo): string => {
  const names = Object.keys(labels).map(code).join(', ');
  return `| ${code(name)} | ${type} | ${unitOf(name)} | ${names} | ${help} |`;
};

// The values of callhooks_build_info are those of this release and of this Node.js.
const labelRows = ({ name, labels }: MetricInfo): string[] =>
  Object.entries(labels).map(([label, values]) => {
    const shown = name === 'callhooks_build_info' ? 'a version' : values.map(valueText).join(', ');
    return `| ${code(name)} | ${code(label)} | ${shown} |`;
  });

const valueText = (value: string): string => (value === '' ? '(empty)' : code(value));

/** Returns the lines of a page with every series that can be: one system of database, and errors where they can be. */
function largestPage(): number {
  const table = createTable();
  for (const method of [...RPC_METHODS, OTHER])
    for (const status of GRPC_CODES) table.rpcs.observe(['grpc', method, status], 1);
  for (const method of HTTP_METHODS)
    for (const status of HTTP_STATUSES)
      for (const error of errorsOf(status)) table.requests.observe([method, status, error], 1);
  for (const name of STORE_FUNCTIONS)
    for (const error of METRIC_LIST.find((metric) => metric.name.startsWith('db_'))?.labels['error_type'] ??
      [])
      table.operations.observe(['mysql', name, error], 1);
  const rest = createReadMetrics(() => expect.fail(), '').length;
  const counted = Object.values(table).map((metric) => metric.samples().split('\n').length - 1 + HEAD_LINES);
  return counted.reduce((sum, lines) => sum + lines, rest * (HEAD_LINES + 1));
}

const HEAD_LINES = 2;

// Only the outcome of a 2xx can depend on its body, and only a 3xx can be a redirect.
function errorsOf(status: string): readonly string[] {
  if (status === '') return HTTP_ERROR_TYPES;
  if (status.startsWith('2'))
    return ['', 'timeout', 'protocol', 'response_too_large', 'invalid_response', 'overloaded', 'shutdown'];
  return status.startsWith('3') ? ['', 'http_status', 'redirect'] : ['http_status'];
}

/** The rows of the table that begins with this heading. */
const tableOf = (heading: string): string[] =>
  (read('docs/metrics.md').split(`| ${heading} |`)[1]?.split('\n\n')[0] ?? '').trim().split('\n').slice(2);

describe('docs/metrics.md', () => {
  it('has a row for each metric with its type, unit, labels and help, and no other', () => {
    expect(tableOf('metric | type')).to.deep.equal(METRIC_LIST.map(metricRow));
  });

  it('has all values of each label, and no other', () => {
    expect(tableOf('of the metric | label')).to.deep.equal(METRIC_LIST.flatMap(labelRows));
  });

  it('says how long the largest page is that clients and endpoints can bring about', () => {
    const [, said = ''] = /ends at about ([\d,]+) lines/.exec(read('docs/metrics.md')) ?? [];
    expect(Number(said.replace(',', ''))).to.be.closeTo(largestPage(), 500);
  });

  it('is linked from the README, the settings and the architecture', () => {
    for (const page of ['README.md', 'docs/config.md', 'docs/architecture.md'])
      expect(read(page), page).to.match(/\]\((docs\/)?metrics\.md\)/);
  });
});
