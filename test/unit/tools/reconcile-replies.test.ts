import {
  CLEAN,
  FAILED,
  INTERRUPTED_AS,
  OTHER,
  type Row,
  SENDING,
  SENT_MAYBE,
  SENT_YES,
  START,
  SUCCEEDED,
  T0,
  endExecution,
  endIs,
  endRequest,
  ended,
  failedAs,
  firstEnd,
  firstStart,
  other,
  repeat,
  reply,
  request,
  startExecution,
  started,
  testRows,
} from './evidence.ts';

const { executions, seen, entries } = CLEAN;

const REPLIES: readonly Row[] = [
  {
    title: 'an OK reply to a start without an execution',
    change: { entries: repeat('start', reply({ name: 'nobody' }), { conversationUuid: OTHER }) },
    violation: /^the start of conversation-2 got a reply without an execution$/,
  },
  {
    title: 'an OK reply to OnCallEnd without an execution',
    change: { entries: repeat('end', reply({}), { conversationUuid: OTHER }) },
    violation: /^the end of conversation-2 got a reply without an execution$/,
  },
  {
    title: 'a reply with an execution that is not on record',
    change: { entries: repeat('end', ended({ uuid: 'end-2' }), { conversationUuid: OTHER }) },
    violation: /^the end of conversation-2 got a reply with end-2, which is not on record$/,
  },
  {
    title: 'a reply with the execution of another conversation',
    change: { entries: repeat('end', ended({ replayed: true }), { conversationUuid: OTHER }) },
    violation: /^the end of conversation-2 got a reply with end-1, which is the post_call of conversation-1$/,
  },
  {
    title: 'a reply with the execution of the other type',
    change: { entries: [...entries.slice(0, 2), { ...firstEnd, response: ended({ uuid: START }) }] },
    violation:
      /^the end of conversation-1 got a reply with start-1, which is the pre_call of conversation-1$/,
  },
  {
    title: 'a reply with another state than the record of the start',
    change: {
      executions: [startExecution(INTERRUPTED_AS), endExecution()],
      entries: [firstStart],
      inspected: [],
    },
    violation: /^the start of conversation-1 was SUCCEEDED in a reply, but is INTERRUPTED on record$/,
  },
  {
    title: 'a call for an agent that is not compared',
    change: { entries: repeat('end', reply({}), { agentUuid: 'agent-2', conversationUuid: OTHER }) },
    violation: /^the end of conversation-2 is of an agent whose executions are not compared$/,
  },
];

const STARTS: readonly Row[] = [
  {
    title: 'different replies to the same start',
    change: { entries: repeat('start', started({ replayed: true, decision: 2 })), inspected: [] },
    violation: /^the start of conversation-1 got different replies: /,
  },
  {
    title: 'two replies to a start that are not replayed',
    change: { entries: repeat('start', started()) },
    violation: /^the start of conversation-1 got 2 replies that are not replayed$/,
  },
  {
    title: 'a reply with the variables of another execution',
    change: { entries: [{ ...firstStart, response: started({ name: 'Ada start-2' }) }], inspected: [] },
    violation: /^the start of conversation-1 got the customer_name Ada start-2, not Ada start-1$/,
  },
  {
    title: 'assigned variables in the reply to a start that failed',
    change: {
      executions: [startExecution(failedAs('FAILURE_CODE_HTTP_STATUS', SENT_YES)), endExecution()],
      seen: [request({ answer: { atMs: T0, status: 500 } }), endRequest()],
      entries: [{ ...firstStart, response: started({ state: FAILED }) }],
      inspected: [],
    },
    violation: /^the start of conversation-1 got the customer_name Ada start-1, not nobody$/,
  },
  {
    title: 'a reply with another decision than GetExecution shows',
    change: { entries: [{ ...firstStart, response: started({ decision: 2 }) }] },
    violation: /^the start of conversation-1 got another decision than GetExecution shows$/,
  },
  {
    title: 'a rejection that GetExecution does not show',
    change: {
      entries: [
        {
          ...firstStart,
          response: started({ rejected: true, rejectReason: 'Ada start-1', name: 'nobody', decision: 1 }),
        },
      ],
    },
    violation: /^the start of conversation-1 got another decision than GetExecution shows$/,
  },
  {
    title: 'the reason of another rejection',
    change: {
      entries: [
        {
          ...firstStart,
          response: started({ rejected: true, rejectReason: 'Ada start-2', name: 'nobody' }),
        },
      ],
      inspected: [],
    },
    violation: /^the start of conversation-1 got the reject_reason Ada start-2, not Ada start-1$/,
  },
  {
    title: 'a reply with other variables than GetExecution shows',
    change: { inspected: [startExecution()] },
    violation: /^the start of conversation-1 got other variables than GetExecution shows$/,
  },
];

const ENDS: readonly Row[] = [
  {
    title: 'two executions in the replies to OnCallEnd',
    change: {
      executions: [...executions, endExecution(other('end-2'))],
      seen: [...seen, endRequest(other('end-2'))],
      entries: repeat('end', ended({ uuid: 'end-2', replayed: true, state: SUCCEEDED })),
    },
    violation: /^the end of conversation-1 has 2 executions$/,
  },
  {
    title: 'two replies to OnCallEnd that are not replayed',
    change: { entries: repeat('end', ended({ state: SUCCEEDED })) },
    violation: /^the end of conversation-1 got 2 replies that are not replayed$/,
  },
  {
    title: 'a report whose state goes back',
    change: { entries: repeat('end', ended({ replayed: true, state: SENDING })) },
    violation: /^the end of conversation-1 was SUCCEEDED in a reply, later SENDING$/,
  },
  {
    title: 'a report that is finished twice',
    change: { ...endIs(failedAs('FAILURE_CODE_TIMEOUT', SENT_MAYBE)), entries },
    violation: /^the end of conversation-1 was SUCCEEDED in a reply, later FAILED$/,
  },
  {
    title: 'a reply to OnCallEnd without an execution after one with it',
    change: { entries: repeat('end', reply({ replayed: true })) },
    violation: /^the end of conversation-1 got a reply without an execution after one with it$/,
  },
];

describe('the comparison of replies with the record', () => {
  testRows(REPLIES);
  testRows(STARTS);
  testRows(ENDS);
});
