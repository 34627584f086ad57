import type { ExecutionState, WebhookType } from './types.ts';

type Transitions = Readonly<Record<ExecutionState, readonly ExecutionState[]>>;

/** The states in which a row can begin. A pre-call's claim is its insert; `no_webhook` keeps a start's variables only. */
export const FIRST_STATES: Readonly<Record<WebhookType, readonly ExecutionState[]>> = {
  pre_call: ['sending', 'no_webhook'],
  post_call: ['accepted'],
};

/**
 * Where an execution can go from each state. Nothing leads back from `sending`, so nothing is ever sent twice. A
 * pre-call's `interrupted` is final, because a caller may have been answered by it; a post-call's is a guess of others
 * that its owner may correct.
 */
export const TRANSITIONS: Readonly<Record<WebhookType, Transitions>> = {
  pre_call: {
    accepted: [],
    sending: ['succeeded', 'failed', 'interrupted'],
    succeeded: [],
    failed: [],
    interrupted: [],
    no_webhook: [],
  },
  post_call: {
    accepted: ['sending', 'failed'],
    sending: ['succeeded', 'failed', 'interrupted'],
    succeeded: [],
    failed: [],
    interrupted: ['succeeded', 'failed', 'interrupted'],
    no_webhook: [],
  },
};

/** Whether an execution of this type may go from one state to the other. */
export const mayBecome = (type: WebhookType, from: ExecutionState, to: ExecutionState): boolean =>
  TRANSITIONS[type][from].includes(to);

const ENDED: readonly ExecutionState[] = ['succeeded', 'failed', 'interrupted', 'no_webhook'];

/** Whether an execution in this state has an outcome (a start without a webhook counts as ended from its insert on). */
export const isEnded = (state: ExecutionState): boolean => ENDED.includes(state);
