import { expect } from 'chai';
import {
  ACCEPTED,
  CLEAN,
  FAILED,
  OTHER,
  type Row,
  SENDING,
  SENT_MAYBE,
  SENT_NO,
  SENT_YES,
  T0,
  endExecution,
  endIs,
  endIsUnseen,
  endRequest,
  failedAs,
  other,
  request,
  testRows,
  unanswered,
  violationsOf,
} from './evidence.ts';

const { executions, seen } = CLEAN;

const REQUESTS: readonly Row[] = [
  {
    title: 'a second request for a conversation and type',
    change: { seen: [...seen, request({ executionUuid: 'start-2' })], executions: [...executions] },
    violation: /^sent twice: the pre_call of conversation-1$/,
  },
  {
    title: 'a second request of an execution, under another name',
    change: { seen: [...seen, request({ conversationUuid: OTHER })] },
    violation: /^sent twice: start-1$/,
  },
  {
    title: 'a request that is not on record',
    change: { seen: [...seen, request(other('start-2'))] },
    violation: /^not on record, but sent: start-2, the pre_call of conversation-2$/,
  },
  {
    title: 'a request for another conversation than its execution',
    change: { seen: [request({ conversationUuid: OTHER }), endRequest()] },
    violation:
      /^sent for another: start-1 is the pre_call of conversation-1, .* the pre_call of conversation-2$/,
  },
  {
    title: 'a request of another type than its execution',
    change: { seen: [request(), endRequest({ type: 'pre_call', conversationUuid: OTHER })] },
    violation: /^sent for another: end-1 is the post_call/,
  },
  {
    title: 'two executions of one conversation and type',
    change: {
      executions: [
        ...executions,
        endExecution({ executionUuid: 'end-2', ...failedAs('FAILURE_CODE_EXPIRED', SENT_NO) }),
      ],
    },
    violation: /^two executions on record: of the post_call of conversation-1$/,
  },
];

const EXECUTIONS: readonly Row[] = [
  {
    title: 'an execution that stays accepted',
    change: endIsUnseen({ state: ACCEPTED, failure: { code: 0, message: '', sent: SENT_NO } }),
    violation: /^it is not finished: end-1 is ACCEPTED/,
  },
  {
    title: 'an execution that stays in sending',
    change: endIsUnseen({ state: SENDING, failure: { code: 0, message: '', sent: SENT_MAYBE } }),
    violation: /^it is not finished: end-1 is SENDING/,
  },
  {
    title: 'a success that the endpoint did not answer',
    change: endIs({}, unanswered(endRequest())),
    violation: /^the endpoint did not answer it: end-1 is SUCCEEDED$/,
  },
  {
    title: 'a success that the endpoint answered with an error',
    change: endIs({}, endRequest({ answer: { atMs: T0, status: 500 } })),
    violation: /^the endpoint answered 500: end-1 is SUCCEEDED$/,
  },
  {
    title: 'a rejection that the endpoint answered with 200',
    change: endIs({ rejected: true }),
    violation: /^the endpoint answered 200: end-1 is SUCCEEDED$/,
  },
  {
    title: 'a failure because of the status that the endpoint answered with 200',
    change: endIs(failedAs('FAILURE_CODE_HTTP_STATUS', SENT_YES)),
    violation: /^the endpoint answered 200: end-1 is FAILED, sent YES because of its status$/,
  },
  {
    title: 'sent NO when the endpoint saw the request',
    change: endIs(failedAs('FAILURE_CODE_CONNECT', SENT_NO), unanswered(endRequest())),
    violation: /^the endpoint saw it: end-1 is FAILED, sent NO$/,
  },
  {
    title: 'sent YES when the endpoint never saw the request',
    change: endIsUnseen(failedAs('FAILURE_CODE_TIMEOUT', SENT_YES)),
    violation: /^the endpoint never saw it: end-1 is FAILED, sent YES$/,
  },
  {
    title: 'sent YES when the endpoint did not answer',
    change: endIs(failedAs('FAILURE_CODE_TIMEOUT', SENT_YES), unanswered(endRequest())),
    violation: /^the endpoint sent no head: end-1 is FAILED, sent YES$/,
  },
  {
    title: 'a failure that does not say whether it was sent',
    change: endIs({ state: FAILED }),
    violation: /^it does not say whether it was sent: end-1 is FAILED$/,
  },
];

describe('the comparison of requests and executions', () => {
  it('accepts a clean run', () => {
    expect(violationsOf(CLEAN)).to.deep.equal([]);
  });

  it('reports that nothing happened when there is no evidence', () => {
    const nothing = { ...CLEAN, executions: [], inspected: [], seen: [], entries: [] };
    expect(violationsOf(nothing)).to.have.length(3);
  });

  testRows(REQUESTS);
  testRows(EXECUTIONS);
});
