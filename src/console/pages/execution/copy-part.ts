import { html } from 'hono/html';
import { asCurl } from '../../../explain/copy/as-curl.ts';
import { grpcurlOfExecution, grpcurlOfTest, type GrpcTarget } from '../../../explain/copy/as-grpcurl.ts';
import type { ExplainedExecution } from '../../../explain/explain-execution.ts';
import type { RecordedExecution } from '../../../explain/read-conversation.ts';
import { commandText } from '../../layout/notices.ts';
import type { Html } from '../../layout/shell.ts';

/** Returns the commands that repeat the request by hand, show the execution, and render the webhook again. */
export function copyPart(
  { execution, today }: RecordedExecution,
  { variables, executionUuid }: ExplainedExecution,
  target: GrpcTarget,
): Html {
  const { request, webhookUuid } = execution;
  const folded = (title: string, note: string, command: string): Html =>
    html`<details>
      <summary>${title}</summary>
      <p class="dim">${note}</p>
      ${commandText(title, command)}
    </details>`;
  return html`${request === undefined ? '' : folded('The request as curl', CURL_NOTE, asCurl(request))}
  ${folded('This execution with grpcurl', 'It prints all that is on record, as JSON.', grpcurlOfExecution(target, executionUuid))}
  ${
    'webhook' in today
      ? folded('The webhook with grpcurl', TEST_NOTE, grpcurlOfTest(target, webhookUuid, variables.list))
      : ''
  }`;
}

const CURL_NOTE = 'It sends a request to the endpoint, which takes it for a new one.';
const TEST_NOTE = 'TestWebhook renders the webhook as it is today, and sends nothing.';
