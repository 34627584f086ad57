import type { TestWebhookReply } from '../../commands/admin/test-webhook.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { decisionFields, failureMessage, missedAssignmentMessage, timingsMessage } from './execution.ts';
import { requestRecordMessage, responseRecordMessage } from './records.ts';

/** Returns the reply of `TestWebhook`. */
export function testWebhookMessage(reply: TestWebhookReply): pb.TestWebhookResponse {
  return {
    request: reply.request && requestRecordMessage(reply.request),
    response: reply.response && responseRecordMessage(reply.response),
    failure: reply.failure && failureMessage(reply.failure),
    timings: reply.timings && timingsMessage(reply.timings),
    assignedVariables: reply.assignedVariables,
    missingVariables: [...reply.missingVariables],
    missedAssignments: reply.missedAssignments.map(missedAssignmentMessage),
    ...decisionFields(reply),
  };
}
