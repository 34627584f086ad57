import * as pb from '../../src/gen/index.callhooks.v1.ts';

/** Names a state without its prefix: `SENDING`; `(none)` for undefined. */
export function stateName(state: pb.ExecutionState | undefined): string {
  return state === undefined ? '(none)' : nameOf('EXECUTION_STATE_', pb.ExecutionState, state);
}

/** Names the failure code of an execution without its prefix: `TIMEOUT`; empty for a success. */
export function failureCodeOf({ failure }: Pick<pb.Execution, 'failure'>): string {
  return failure === undefined ? '' : nameOf('FAILURE_CODE_', pb.FailureCode, failure.code);
}

/** Names whether the request of a failed execution was sent: `NO`, `MAYBE`, `YES`; empty for a success. */
export function sentOf({ failure }: Pick<pb.Execution, 'failure'>): string {
  return failure === undefined ? '' : nameOf('SENT_', pb.Sent, failure.sent);
}

/** Describes state and failure of an execution for comparing: `SUCCEEDED`, `FAILED TIMEOUT MAYBE`. */
export function outcomeOf(execution: Pick<pb.Execution, 'state' | 'failure'>): string {
  return `${stateName(execution.state)} ${failureCodeOf(execution)} ${sentOf(execution)}`.trim();
}

function nameOf(prefix: string, numbers: Readonly<Record<string, number>>, value: number): string {
  const name = Object.keys(numbers).find((one) => numbers[one] === value);
  return name?.slice(prefix.length) ?? String(value);
}
