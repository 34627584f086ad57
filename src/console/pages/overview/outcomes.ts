import { html } from 'hono/html';
import type { CountedOutcome } from '../../../domain/counted-outcome.ts';
import type { Html } from '../../layout/shell.ts';

/** Says what each outcome means, for people who own agents. */
export const OUTCOME_TEXTS: Readonly<Record<CountedOutcome, string>> = {
  succeeded: 'the webhook did its work',
  rejected: 'the endpoint rejected the call',
  degraded: 'the pre-call failed, and the call went on without its values',
  blocked: 'the pre-call failed, and the call was blocked',
  failed: 'the report of a post-call did not arrive',
  interrupted: 'a shutdown cut it off, or nobody recorded how it went',
};

/** Returns the value of `fill` for an outcome. Each has a pattern besides its colour. */
export function fillOf(outcome: CountedOutcome): string {
  return `url(#fill-${outcome})`;
}

/** Returns the patterns that {@link fillOf} names. A page has them once. */
export function patterns(): Html {
  return html`<svg class="defs" width="0" height="0" aria-hidden="true" focusable="false">
    <defs>
      ${pattern('succeeded', html``)}
      ${pattern('rejected', html`<circle class="ink" cx="4" cy="4" r="1.5" />`)}
      ${pattern('degraded', html`<path class="ink" d="M-2 2L2 -2M0 8L8 0M6 10L10 6" />`)}
      ${pattern('blocked', html`<path class="ink" d="M0 0L8 8M8 0L0 8" />`)}
      ${pattern('failed', html`<path class="ink" d="M0 4H8" />`)}
      ${pattern('interrupted', html`<path class="ink" d="M4 0V8" />`)}
    </defs>
  </svg>`;
}

function pattern(outcome: CountedOutcome, ink: Html): Html {
  return html`<pattern
    id="fill-${outcome}"
    class="${outcome}"
    width="8"
    height="8"
    patternUnits="userSpaceOnUse"
  >
    <rect width="8" height="8" />${ink}
  </pattern>`;
}

/** Returns a small square with the fill of an outcome. */
export function swatch(outcome: CountedOutcome): Html {
  return html`<svg class="swatch" width="16" height="16" aria-hidden="true" focusable="false">
    <rect width="16" height="16" rx="2" fill="${fillOf(outcome)}" />
  </svg>`;
}
