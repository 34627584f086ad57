import type * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import { failureCodeOf, nameOf, sentOf } from '../execution-log.ts';
import type { SeenRequest } from '../recorder.ts';
import { seenBy, type Evidence } from './evidence.ts';

/** Each execution has an end, which agrees with what the endpoint saw and answered. */
export const checkExecutions = (evidence: Evidence): readonly string[] => {
  const seen = new Map(seenBy(evidence).map((request) => [request.executionUuid, request]));
  return evidence.executions.flatMap((execution) =>
    checkExecution(execution, seen.get(execution.executionUuid)),
  );
};

const checkExecution = (execution: pb.Execution, request: SeenRequest | undefined): readonly string[] => {
  const state = nameOf(execution.state);
  const sent = sentOf(execution);
  const status = request?.answer?.status;
  const said = `${execution.executionUuid} is ${state}${sent === '' ? '' : `, sent ${sent}`}`;
  const problems: string[] = [];
  if (state === 'ACCEPTED' || state === 'SENDING') problems.push(`it has no end: ${said}`);
  if (state === 'SUCCEEDED' && status === undefined) problems.push(`the endpoint did not answer it: ${said}`);
  if (state === 'SUCCEEDED' && status !== undefined && status !== 200)
    problems.push(`the endpoint answered ${status}: ${said}`);
  if (failureCodeOf(execution) === 'HTTP_STATUS' && status !== undefined && status < 400)
    problems.push(`the endpoint answered ${status}: ${said} for its status`);
  if (sent === 'NO' && request !== undefined) problems.push(`the endpoint saw it: ${said}`);
  if (sent === 'YES' && request === undefined) problems.push(`the endpoint never saw it: ${said}`);
  // The receiver writes down an answer before it sends the first byte of its head.
  if (sent === 'YES' && request !== undefined && status === undefined)
    problems.push(`the endpoint wrote no head: ${said}`);
  if (state !== 'SUCCEEDED' && sent === '') problems.push(`it does not say whether it was sent: ${said}`);
  return problems;
};
