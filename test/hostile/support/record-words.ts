import type { Execution } from '../../../src/gen/index.callhooks.v1.ts';
import { outcomeOf } from '../../support/execution-words.ts';

/** Describes an execution for the table: `FAILED PROTOCOL MAYBE: the response head is larger than …`. */
export function recordWords(execution: Execution | undefined): string {
  if (execution === undefined) return 'no execution';
  const outcome = outcomeOf(execution);
  return execution.failure === undefined ? outcome : `${outcome}: ${execution.failure.message}`;
}
