import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram, type ProgramEnd } from '../../clients/programs.ts';
import { TOOLS } from '../tools.ts';
import type { Series } from './alert-case.ts';
import { RULE_FILE } from './rule-file.ts';

/**
 * Runs `promtool test rules`: with these series, exactly these alerts must fire at this time. Beside the series there is
 * one of a replica that answers.
 */
export async function runAlertTest(
  series: Series,
  at: string,
  alerts: readonly string[],
): Promise<ProgramEnd> {
  const folder = await mkdtemp(join(tmpdir(), 'callhooks-promtool-'));
  const file = join(folder, 'test.json');
  const all = Object.entries({ up: '1x90', ...series });
  const test = {
    interval: '1m',
    input_series: all.map(([name, values]) => ({ series: withTarget(name), values })),
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: at,
        exp_samples: alerts.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
      },
    ],
  };
  // JSON is YAML too.
  await writeFile(
    file,
    JSON.stringify({ rule_files: [RULE_FILE], evaluation_interval: '1m', tests: [test] }),
  );
  const end = await runProgram(TOOLS.promtool, ['test', 'rules', file]);
  await rm(folder, { recursive: true });
  return end;
}

// Prometheus adds these labels to all that it scrapes.
function withTarget(series: string): string {
  const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(series) ?? [];
  const all = ['job="callhooks"', ...(labels === '' ? [] : [labels])];
  if (!labels.includes('instance=')) all.push('instance="one:9464"');
  return `${name}{${all.join(',')}}`;
}
