import type { HotStatement } from './hot-statements.ts';

const MINUTE_MS = 60_000;
const FIRST_UUID = '00000000-0000-0000-0000-000000000000';
const BY_STATE = 'executions by executions_by_state';
const A_PAGE = [BY_STATE, 'e by PRIMARY'];

/** The reads of executions that have ended. */
export const ENDED_STATEMENTS: Readonly<Record<string, HotStatement>> = {
  'list the keys of executions that have ended': {
    ways: [BY_STATE],
    run: ({ executions }) =>
      executions.listEndedKeys([
        { fromMs: Date.now() - MINUTE_MS, lagMs: 0 },
        { fromMs: Date.now() - 2 * MINUTE_MS, lagMs: MINUTE_MS },
      ]),
  },
  'count executions that have ended': {
    ways: [BY_STATE],
    run: ({ executions }) =>
      executions.countEnded(
        { state: 'succeeded', finishedAtMs: Date.now() - MINUTE_MS, executionUuid: FIRST_UUID },
        Date.now(),
      ),
  },
  'find executions that have ended': {
    ways: ['e by PRIMARY'],
    run: ({ executions, start, postCall }) =>
      executions.findEnded([start.executionUuid, postCall.executionUuid]),
  },
  'list executions in the order of their ends': {
    ways: A_PAGE,
    run: ({ executions }) =>
      executions.listEnded({ states: [], failureCodes: [] }, 50, {
        finishedAtMs: 0,
        executionUuid: FIRST_UUID,
      }),
  },
  'list executions that match all of a filter in the order of their ends': {
    ways: A_PAGE,
    run: ({ executions, start: { agentUuid, conversationUuid } }) =>
      executions.listEnded(
        {
          ...{ agentUuid, conversationUuid, states: ['failed'], failureCodes: ['DNS'], acceptedFromMs: 1 },
          ...{ webhookUuid: conversationUuid, webhookType: 'pre_call', degraded: true },
        },
        50,
        {
          finishedAtMs: 0,
          executionUuid: FIRST_UUID,
        },
      ),
  },
};
