import type * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import { failureCodeOf, sentOf, stateName } from '../../../support/execution-words.ts';
import { REJECTING_STATUS } from '../test-agent.ts';
import type { SeenRequest } from '../recorder.ts';
import type { Evidence } from './evidence.ts';

/** Checks that each execution is finished, and that its record agrees with what the endpoint saw and answered. */
export function checkExecutions({ executions, recorder }: Evidence): readonly string[] {
  const seen = new Map(recorder.requests().map((request) => [request.executionUuid, request]));
  return executions.flatMap((execution) => checkExecution(execution, seen.get(execution.executionUuid)));
}

function checkExecution(execution: pb.Execution, request: SeenRequest | undefined): readonly string[] {
  const state = stateName(execution.state);
  const sent = sentOf(execution);
  const status = request?.answer?.status;
  const record = `${execution.executionUuid} is ${state}${sent === '' ? '' : `, sent ${sent}`}`;
  const problems: string[] = [];
  if (state === 'ACCEPTED' || state === 'SENDING') problems.push(`it is not finished: ${record}`);
  if (state === 'SUCCEEDED' && status === undefined)
    problems.push(`the endpoint did not answer it: ${record}`);
  if (
    state === 'SUCCEEDED' &&
    status !== undefined &&
    status !== (execution.rejected ? REJECTING_STATUS : 200)
  )
    problems.push(`the endpoint answered ${status}: ${record}`);
  if (failureCodeOf(execution) === 'HTTP_STATUS' && status !== undefined && status < 400)
    problems.push(`the endpoint answered ${status}: ${record} because of its status`);
  if (sent === 'NO' && request !== undefined) problems.push(`the endpoint saw it: ${record}`);
  if (sent === 'YES' && request === undefined) problems.push(`the endpoint never saw it: ${record}`);
  // The recorder writes down an answer before it sends the first byte of its head.
  if (sent === 'YES' && request !== undefined && status === undefined)
    problems.push(`the endpoint sent no head: ${record}`);
  if (state !== 'SUCCEEDED' && sent === '') problems.push(`it does not say whether it was sent: ${record}`);
  return problems;
}
