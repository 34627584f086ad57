import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** The values of each label by `metric label`, as docs/metrics.md lists them. */
const VALUES = new Map(
  Array.from(
    read('docs/metrics.md').matchAll(/^\| `(\w+)` \| `(\w+)` \| (.*) \|$/gm),
    ([, metric = '', label = '', values = '']) => [
      `${metric} ${label}`,
      ['', ...Array.from(values.matchAll(/`([^`]+)`/g), ([, value = '']) => value)],
    ],
  ),
);

/** Labels that Prometheus or an expression of ours adds. */
const OTHERS = ['job', 'instance', 'le', 'version', 'node'];

/** The selectors of all queries: the name of a metric with its matchers. */
function selectorsIn(text: string): readonly (readonly [metric: string, matchers: string])[] {
  return Array.from(
    text.replaceAll('\\"', '"').matchAll(/\b((?:callhooks|rpc|http|db)_\w+)\{([^}]*)\}/g),
    ([, metric = '', matchers = '']) => [metric.replace(/_(?:bucket|sum|count)$/, ''), matchers],
  );
}

for (const file of [
  'deploy/prometheus/callhooks.rules.yml',
  'deploy/grafana/callhooks.json',
  'docs/runbook.md',
]) {
  describe(`The queries of ${file}`, () => {
    it('ask for labels and values that docs/metrics.md lists', () => {
      const selectors = selectorsIn(read(file));
      expect(selectors).to.have.length.above(5);
      for (const [metric, matchers] of selectors) {
        for (const [, label = '', operator = '', value = ''] of matchers.matchAll(/(\w+)(!?=~?)"([^"]*)"/g)) {
          if (OTHERS.includes(label)) continue;
          const known = VALUES.get(`${metric} ${label}`) ?? [];
          expect(known, `${metric} has no label ${label}`).to.have.length.above(0);
          const asked = operator.endsWith('~') ? value.split('|') : [value];
          for (const one of asked)
            expect(
              known.some((name) => new RegExp(`^(?:${one})$`).test(name)),
              `${metric}{${label}="${one}"}`,
            ).to.equal(true);
        }
      }
    });
  });
}
