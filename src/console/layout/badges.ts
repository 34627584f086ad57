import { html } from 'hono/html';
import { explainState } from '../../explain/outcome.ts';
import { CallDecision, FailureCode, type Execution } from '../../gen/index.callhooks.v1.ts';
import { enumWord, type Tone } from '../../explain/words.ts';
import type { Html } from './shell.ts';

/** Returns a word in the colour of its tone. The style adds a sign, so that colour does not stand alone. */
export function badge(tone: Tone | 'warn', word: string): Html {
  return html`<span class="badge ${tone}">${word}</span>`;
}

/** Returns the state of an execution. */
export function stateBadge(execution: Pick<Execution, 'state'>): Html {
  const { state, tone } = explainState(execution);
  return badge(tone, state);
}

/** Returns what a list says about an execution besides its state: why it failed, and what that did to the call. */
export function outcomeWords({ failure, degraded, rejected, decision, missedAssignments }: Execution): Html {
  const code = failure === undefined ? '' : enumWord(FailureCode, 'FAILURE_CODE_', failure.code);
  const missed = missedAssignments.length;
  return html`${code === '' ? '' : html`<code>${code}</code> `} ${rejected ? badge('warn', 'rejected') : ''}
  ${degraded ? badge('warn', 'degraded') : ''}
  ${failure !== undefined && decision === CallDecision.CALL_DECISION_BLOCK ? badge('bad', 'blocked') : ''}
  ${missed > 0 ? badge('warn', `${missed} not assigned`) : ''}`;
}
