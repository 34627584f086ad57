import { html } from 'hono/html';
import { bytesText } from '../../../explain/words.ts';
import type { ExplainedBody, ExplainedRequest, ExplainedResponse } from '../../../explain/http-parts.ts';
import { badge } from '../../layout/badges.ts';
import { capitalized } from '../../layout/capitalized.ts';
import { jsonView } from '../../layout/json-view.ts';
import { scrollable } from '../../layout/scroll.ts';
import type { Html } from '../../layout/shell.ts';
import type { HttpHeader } from '../../../gen/index.callhooks.v1.ts';

const NOT_RECORDED = html`<p class="dim">None is on record.</p>`;

/** Returns a request as it was sent, with secrets masked. */
export function requestPart(request: ExplainedRequest | undefined): Html {
  if (request === undefined) return NOT_RECORDED;
  const { method, url, headers, body } = request;
  return html`<p class="target"><strong>${method}</strong> <code>${url}</code></p>
    ${bodyPart('body of the request', body)} ${headersPart('headers of the request', headers)}`;
}

/** Returns a response as far as it was read, with secrets masked. */
export function responsePart(response: ExplainedResponse | undefined): Html {
  if (response === undefined) return NOT_RECORDED;
  const { status, tone, headers, body } = response;
  return html`<p class="target">${badge(tone, `HTTP ${status}`)}</p>
    ${bodyPart('body of the response', body)} ${headersPart('headers of the response', headers)}`;
}

function bodyPart(name: string, { text, size, absence, cut }: ExplainedBody): Html {
  if (absence !== undefined) return html`<p class="dim">There is no text: ${absence}.</p>`;
  if (text === '') return html`<p class="dim">It has no body.</p>`;
  return html`${jsonView(name, text)}
  ${
    cut === undefined
      ? html`<p class="dim">${bytesText(size)}</p>`
      : html`<p class="warn">${capitalized(cut)}.</p>`
  }`;
}

function headersPart(name: string, headers: readonly HttpHeader[]): Html {
  const label = capitalized(name);
  if (headers.length === 0) return html`<p class="dim">It has no headers on record.</p>`;
  const table = html`<table class="headers" aria-label="${label}">
    <tbody>
      ${headers.map(
        ({ name: header, value }) =>
          html`<tr>
            <th scope="row"><code>${header}</code></th>
            <td><code>${value}</code></td>
          </tr>`,
      )}
    </tbody>
  </table>`;
  return html`<details>
    <summary>${label} (${headers.length})</summary>
    ${scrollable(label, table)}
  </details>`;
}
