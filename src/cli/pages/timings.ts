import type { ExplainedTimings, Phase } from '../../explain/times.ts';
import { msText } from '../../explain/words.ts';
import { columns } from './page.ts';

const UNMEASURED: readonly Phase['key'][] = ['body', 'waiting'];

/** Returns a line for each phase that was measured, and one for the whole time. */
export function timingLines({ phases, totalMs }: ExplainedTimings): string[] {
  const rows = phases
    .filter(({ key }) => !UNMEASURED.includes(key))
    .map(({ name, ms, meaning }) => [name, ms, meaning] as const);
  const total = totalMs === undefined ? [] : [['total', totalMs, 'in all'] as const];
  return columns(
    [...rows, ...total].map(([name, ms, meaning]) => [name, `${msText(ms).padEnd(9)} ${meaning}`] as const),
  );
}
