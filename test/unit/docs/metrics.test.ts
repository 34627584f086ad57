import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { MetricInfo } from '../../../src/ops/metrics/metric.ts';
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

  it('is linked from the README, the settings and the architecture', () => {
    for (const page of ['README.md', 'docs/config.md', 'docs/architecture.md'])
      expect(read(page), page).to.match(/\]\((docs\/)?metrics\.md\)/);
  });
});
