import { readFileSync } from 'node:fs';

const RUNBOOK = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');

/** Returns the queries of the runbook. */
export function runbookQueries(): readonly string[] {
  return Array.from(RUNBOOK.matchAll(/^```promql\n([^]*?)^```$/gm), ([, query = '']) => query.trim());
}

/** Returns the commands of the runbook, one a line. */
export function runbookCommands(): readonly string[] {
  return Array.from(RUNBOOK.matchAll(/^```sh\n([^]*?)^```$/gm), ([, lines = '']) =>
    lines.trim().split('\n'),
  ).flat();
}
