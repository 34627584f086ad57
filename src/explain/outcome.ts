import {
  ExecutionState,
  FailureCode,
  Sent,
  type Execution,
  type Failure,
} from '../gen/index.callhooks.v1.ts';
import { countText, enumWord, type Tone } from './words.ts';

/** How an execution went, and why. */
export interface Outcome {
  /** The state as a word: `SUCCEEDED`. */
  readonly state: string;
  readonly tone: Tone;
  readonly failure: ExplainedFailure | undefined;
  /** Whole sentences. */
  readonly sentences: readonly string[];
}

/** Why an execution, or a test, did not succeed. */
export interface ExplainedFailure {
  /** The code as a word: `TIMEOUT`. */
  readonly code: string;
  readonly message: string;
  /** Says whether the endpoint can have seen the request. It may be empty. */
  readonly sent: string;
}

const SENT: Readonly<Record<string, string>> = {
  NO: 'No byte of the request left callhooks.',
  MAYBE: 'The endpoint may have seen the request: no response head arrived.',
  YES: 'The endpoint has seen the request: it answered.',
};

const STATES: Readonly<Record<string, string>> = {
  ACCEPTED: 'It is accepted and pending: no replica has begun to send it.',
  SENDING: 'It is running: its replica has not recorded an outcome yet.',
  INTERRUPTED: 'No outcome was recorded in time, so nobody knows how it went.',
};

const TONES: Readonly<Record<string, Tone>> = { SUCCEEDED: 'good', FAILED: 'bad', INTERRUPTED: 'bad' };

/** Returns the word of an execution's state, and whether that is good. */
export function explainState({ state }: Pick<Execution, 'state'>): Pick<Outcome, 'state' | 'tone'> {
  const word = enumWord(ExecutionState, 'EXECUTION_STATE_', state);
  return { state: word, tone: TONES[word] ?? 'neutral' };
}

/** Returns the words for a failure. */
export function explainFailure({ code, message, sent }: Failure): ExplainedFailure {
  const word = enumWord(FailureCode, 'FAILURE_CODE_', code);
  // Without an outcome, nobody knows whether a response came.
  if (word === 'INTERRUPTED' && sent === Sent.SENT_MAYBE)
    return { code: word, message, sent: 'The endpoint may have seen the request.' };
  return { code: word, message, sent: SENT[enumWord(Sent, 'SENT_', sent)] ?? '' };
}

/** Says how an execution went, and why. */
export function explainOutcome(execution: Execution): Outcome {
  const { state, tone } = explainState(execution);
  const failure = execution.failure && explainFailure(execution.failure);
  const sentences = [
    failure?.sent ?? '',
    // A shutdown is an outcome that was recorded.
    failure?.code === 'SHUTDOWN' ? '' : (STATES[state] ?? ''),
    state === 'SUCCEEDED' ? successText(execution) : '',
  ];
  return { state, tone, failure, sentences: sentences.filter((each) => each !== '') };
}

function successText({ rejected, missedAssignments }: Execution): string {
  if (rejected) return 'The endpoint answered, and rejected the call.';
  const missed = missedAssignments.length;
  if (missed === 0) return 'The endpoint answered as the webhook expects.';
  return `The endpoint answered, but ${countText(missed, 'assignment')} took no value.`;
}
