import { html } from 'hono/html';
import { explainTrial, type ExplainedTrial } from '../../../explain/explain-trial.ts';
import type { TestWebhookResponse } from '../../../gen/index.callhooks.v1.ts';
import { badge } from '../../layout/badges.ts';
import { scrollable } from '../../layout/scroll.ts';
import type { Html } from '../../layout/shell.ts';
import { timeText } from '../../layout/time.ts';
import { createVariableValues } from '../../layout/variable-value.ts';
import { requestPart, responsePart } from '../execution/http-part.ts';
import { missesPart } from '../execution/misses-part.ts';
import { timingsPart } from '../execution/time-part.ts';

/** What the result of a test shows. */
export interface ResultParts {
  readonly reply: TestWebhookResponse;
  /** When the test was sent. It is undefined when it was only rendered. */
  readonly sentAt: Date | undefined;
  /** Reports whether this is the answer to an earlier request. */
  readonly isRepeat: boolean;
  /** The form that sends the test. It is there when the test was only rendered. */
  readonly sendForm: Html | undefined;
}

/** Returns the result of a test: the request, the answer beside it, and what the answer would do. */
export function resultView({ reply, sentAt, isRepeat, sendForm }: ResultParts): Html {
  const trial = explainTrial(reply);
  const isSent = sentAt !== undefined;
  const state = isSent ? badge('good', 'sent') : badge('neutral', 'rendered, not sent');
  return html`<section aria-label="Result">
    ${isSent ? sentLine(sentAt, isRepeat) : ''} ${missingNote(trial)}
    <div class="side-by-side">
      <section class="panel">
        <h2>Request ${state}</h2>
        ${trial.request === undefined ? failureBox(trial) : requestPart(trial.request)}
      </section>
      <section class="panel">
        <h2>Answer</h2>
        ${sendForm ?? answer(trial)}
      </section>
    </div>
    ${isSent ? effects(trial) : ''}
  </section>`;
}

/** Says that a test was sent, and that its answer is not kept any more. */
export function forgottenNotice(sentAt: Date): Html {
  return html`<p class="notice" role="status">
    This test was sent once, at ${timeText(sentAt)}. Its answer is not kept any more. To send it again, render
    it again.
  </p>`;
}

function sentLine(sentAt: Date, isRepeat: boolean): Html {
  const repeat = isRepeat
    ? 'This is the answer to that, because a page that is loaded again sends nothing.'
    : '';
  return html`<p class="notice" role="status">
    Sent once, at ${timeText(sentAt)}. ${repeat} To send it again, render it again.
  </p>`;
}

function missingNote({ missingVariables }: ExplainedTrial): Html | '' {
  if (missingVariables.length === 0) return '';
  return html`<div class="outcome-box warn">
    <p><strong>These placeholders have no value in this call:</strong></p>
    <ul class="words">
      ${missingVariables.map((name) => html`<li><code>{{${name}}}</code></li>`)}
    </ul>
  </div>`;
}

function answer(trial: ExplainedTrial): Html {
  const { request, response } = trial;
  return html`${request === undefined ? '' : failureBox(trial)}
  ${response === undefined ? html`<p class="dim">No response came.</p>` : responsePart(response)}`;
}

function failureBox({ failure }: ExplainedTrial): Html | '' {
  if (failure === undefined) return '';
  return html`<div class="outcome-box bad">
    <p>
      <strong><code>${failure.code}</code></strong> ${failure.message}
    </p>
    <p class="dim">${failure.sent}</p>
  </div>`;
}

function effects(trial: ExplainedTrial): Html {
  const misses = missesPart(trial);
  return html`${decision(trial)} ${assigned(trial)}
    ${
      misses === undefined
        ? ''
        : html`<h2>Not assigned</h2>
            ${misses}`
    }
    <h2>Time</h2>
    ${timingsPart(trial.timings)}`;
}

function decision({ decision }: ExplainedTrial): Html | '' {
  if (decision === undefined) return '';
  const { word, tone, why, setting, isDegraded } = decision;
  return html`<h2>Decision</h2>
    <p>
      ${badge(tone, word)} ${isDegraded ? badge('warn', 'degraded') : ''}
      ${why === '' ? '' : `${why.charAt(0).toUpperCase()}${why.slice(1)}.`}
      ${setting === undefined ? '' : html`<span class="dim">(<code>${setting}</code>)</span>`}
    </p>`;
}

function assigned({ assigned }: ExplainedTrial): Html | '' {
  if (assigned.length === 0) return '';
  const label = 'What would be assigned';
  const valueView = createVariableValues();
  const table = html`<table aria-label="${label}">
    <thead>
      <tr>
        <th scope="col">Variable</th>
        <th scope="col">Value</th>
      </tr>
    </thead>
    <tbody>
      ${assigned.map(
        ([name, value]) =>
          html`<tr>
            <th scope="row"><code>${name}</code></th>
            <td>${valueView(name, value)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
  return html`<h2>Would be assigned</h2>
    ${scrollable(label, table)}`;
}
