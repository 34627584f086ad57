import { html } from 'hono/html';
import type { ExplainedExecution } from '../../../explain/explain-execution.ts';
import { badge } from '../../layout/badges.ts';
import { capitalized } from '../../layout/capitalized.ts';
import type { Html } from '../../layout/shell.ts';

/** Returns how an execution went, and what the platform was told to do with the call, in sentences. */
export function outcomePart({ outcome, decision, misses, missingVariables }: ExplainedExecution): Html {
  const { state, tone, failure, sentences } = outcome;
  const isPartial = misses.length > 0 || missingVariables.length > 0 || decision?.tone === 'bad';
  return html`<div class="outcome-box ${tone === 'good' && isPartial ? 'warn' : tone}">
    <p class="lead">
      ${badge(tone, state)}
      ${failure === undefined ? sentences.join(' ') : html`<strong>${failure.code}</strong>: ${failure.message}`}
    </p>
    ${failure === undefined ? '' : html`<p>${sentences.join(' ')}</p>`}
    ${tone === 'neutral' ? html`<p class="dim">Load this page again to see how it ends.</p>` : ''}
    ${
      decision === undefined
        ? ''
        : html`<p>
            ${badge(decision.isDegraded ? 'warn' : decision.tone, decision.word)}
            ${decision.isDegraded ? html`<strong>degraded</strong>: ` : ''}${capitalized(decision.why)}
            ${decision.setting === undefined ? '' : html`<br /><span class="dim">Setting: <code>${decision.setting}</code></span>`}
          </p>`
    }
    ${
      missingVariables.length === 0
        ? ''
        : html`<p>
            ${badge('warn', 'placeholders without a value')}
            ${missingVariables.map((name) => html`<code>{{${name}}}</code> `)}
          </p>`
    }
  </div>`;
}
