import { expect } from 'chai';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import type { LoggedCall } from '../../faults/support/call-log.ts';
import type { CallResponse } from '../../faults/support/call-response.ts';
import type { SeenRequest } from '../../faults/support/recorder.ts';
import type { Evidence } from '../../faults/support/reconcile/evidence.ts';
import { reconcile } from '../../faults/support/reconcile/reconcile.ts';

const AGENT = 'agent-1';
const CALL = 'conversation-1';
const START = 'start-1';
const END = 'end-1';
const LIMIT_MS = 1_000;
const T0 = 1_000_000;

/** Evidence as a table's row changes it: flat, so that a row says only what it changes. */
interface Details {
  readonly executions: readonly pb.Execution[];
  readonly inspected: readonly pb.Execution[];
  readonly seen: readonly SeenRequest[];
  readonly entries: readonly LoggedCall[];
  readonly disturbances: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly stalls: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly expected: Evidence['expected'];
}

const STATES = pb.ExecutionState;
const [SUCCEEDED, FAILED, INTERRUPTED, ACCEPTED, SENDING] = [
  ...[STATES.EXECUTION_STATE_SUCCEEDED, STATES.EXECUTION_STATE_FAILED, STATES.EXECUTION_STATE_INTERRUPTED],
  ...[STATES.EXECUTION_STATE_ACCEPTED, STATES.EXECUTION_STATE_SENDING],
] as const;
const { SENT_NO, SENT_MAYBE, SENT_YES } = pb.Sent;

const execution = (change: Partial<pb.Execution>): pb.Execution =>
  pb.Execution.fromPartial({
    ...{ agentUuid: AGENT, conversationUuid: CALL, state: SUCCEEDED, instance: 'replica-1' },
    ...{ decision: pb.CallDecision.CALL_DECISION_PROCEED, timeLimit: { seconds: BigInt(LIMIT_MS / 1_000) } },
    ...{ acceptedAt: new Date(T0), sendingAt: new Date(T0), finishedAt: new Date(T0 + 100) },
    ...(change as object),
  });
const startExecution = (change: Partial<pb.Execution> = {}): pb.Execution =>
  execution({ executionUuid: START, webhookType: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL, ...change });
const endExecution = (change: Partial<pb.Execution> = {}): pb.Execution =>
  execution({ executionUuid: END, webhookType: pb.WebhookType.WEBHOOK_TYPE_POST_CALL, ...change });
const failedAs = (code: keyof typeof pb.FailureCode, sent: pb.Sent) => ({
  state: code === 'FAILURE_CODE_INTERRUPTED' ? INTERRUPTED : FAILED,
  failure: { code: pb.FailureCode[code], message: '', sent },
});
const INTERRUPTED_AS = failedAs('FAILURE_CODE_INTERRUPTED', SENT_MAYBE);

const request = (change: Partial<SeenRequest> = {}): SeenRequest => ({
  ...{ path: '/pre', type: 'pre_call', executionUuid: START, conversationUuid: CALL, headAtMs: T0 + 10 },
  ...{ isBodyComplete: true, answer: { atMs: T0 + 50, status: 200 } },
  ...change,
});
const endRequest = (change: Partial<SeenRequest> = {}): SeenRequest =>
  request({ path: '/post', type: 'post_call', executionUuid: END, ...change });
const unanswered = (seen: SeenRequest): SeenRequest => {
  const { answer: _, ...rest } = seen;
  return rest;
};

const entry = (
  rpc: LoggedCall['rpc'],
  sentAtMs: number,
  response: CallResponse,
  change: Partial<LoggedCall> = {},
): LoggedCall => ({
  ...{ rpc, agentUuid: AGENT, conversationUuid: CALL, replica: 'replica-1' },
  ...{ sentAtMs, respondedAtMs: sentAtMs + 100, deadlineAtMs: sentAtMs + 8_000, response },
  ...change,
});

interface Said {
  readonly replayed?: boolean;
  readonly uuid?: string | undefined;
  readonly state?: pb.ExecutionState;
  readonly name?: string;
  readonly decision?: number;
}
const reply = (said: Said): CallResponse => {
  const { replayed = false, uuid, state, name, decision = 1 } = said;
  const text = JSON.stringify({ decision, degraded: false, dynamicVariables: { customer_name: name } });
  return { kind: 'reply', text, replayed, executionUuid: uuid, state };
};
const started = (said: Said = {}): CallResponse =>
  reply({ uuid: START, state: SUCCEEDED, name: `Ada ${START}`, ...said });
const ended = (said: Said = {}): CallResponse => reply({ uuid: END, state: ACCEPTED, ...said });
const refused = (
  reason: string,
  code = 'UNAVAILABLE',
  retryAfterMs: number | undefined = 100,
): CallResponse => ({
  ...{ kind: 'error', code, reason, message: 'no', retryAfterMs },
});

const CLEAN: Details = {
  executions: [startExecution(), endExecution()],
  inspected: [startExecution({ assignedVariables: { customer_name: `Ada ${START}` } })],
  seen: [request(), endRequest()],
  entries: [
    entry('start', T0, started()),
    entry('start', T0 + 200, started({ replayed: true })),
    entry('end', T0 + 400, ended()),
    entry('end', T0 + 600, ended({ replayed: true, state: SUCCEEDED })),
  ],
  disturbances: [{ fromMs: T0 - 60_000, toMs: T0 - 50_000 }],
  stalls: [],
  expected: {},
};

const violationsOf = (details: Details): readonly string[] => {
  const { executions, inspected, seen, entries, disturbances, stalls, expected } = details;
  const { violations, late } = reconcile({
    executions,
    inspected,
    expected,
    agents: [{ agentUuid: AGENT, webhooks: ['pre_call', 'post_call'] }],
    recorder: { requests: () => seen, stalls },
    callLog: { entries, stalls: [] },
    replicas: [{ name: 'replica-1', disturbances }],
  });
  return [...violations, ...late.map(({ what }) => what)];
};

interface Row {
  readonly title: string;
  readonly change: Partial<Details>;
  readonly violation: RegExp;
}

const { executions, seen, entries } = CLEAN;
const [firstStart, , firstEnd] = entries as [LoggedCall, LoggedCall, LoggedCall, LoggedCall];
const OTHER = 'conversation-2';
const other = (uuid: string) => ({ executionUuid: uuid, conversationUuid: OTHER });
const repeat = (
  rpc: LoggedCall['rpc'],
  response: CallResponse,
  change: Partial<LoggedCall> = {},
): readonly LoggedCall[] => [...entries, entry(rpc, T0 + 2_000, response, change)];

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

const endIs = (change: Partial<pb.Execution>, seenAs: SeenRequest = endRequest()): Partial<Details> => ({
  executions: [startExecution(), endExecution(change)],
  seen: [request(), seenAs],
  entries: entries.slice(0, 3),
});
const endIsUnseen = (change: Partial<pb.Execution>): Partial<Details> => ({
  ...endIs(change),
  seen: [request()],
});

const EXECUTIONS: readonly Row[] = [
  {
    title: 'an accepted execution without an end',
    change: endIsUnseen({ state: ACCEPTED, failure: { code: 0, message: '', sent: SENT_NO } }),
    violation: /^it is not finished: end-1 is ACCEPTED/,
  },
  {
    title: 'a sending execution without an end',
    change: endIsUnseen({ state: SENDING, failure: { code: 0, message: '', sent: SENT_MAYBE } }),
    violation: /^it is not finished: end-1 is SENDING/,
  },
  {
    title: 'a success that nobody answered',
    change: endIs({}, unanswered(endRequest())),
    violation: /^the endpoint did not answer it: end-1 is SUCCEEDED$/,
  },
  {
    title: 'a success that was answered with an error',
    change: endIs({}, endRequest({ answer: { atMs: T0, status: 500 } })),
    violation: /^the endpoint answered 500: end-1 is SUCCEEDED$/,
  },
  {
    title: 'a failure for its status that was answered with 200',
    change: endIs(failedAs('FAILURE_CODE_HTTP_STATUS', SENT_YES)),
    violation: /^the endpoint answered 200: end-1 is FAILED, sent YES because of its status$/,
  },
  {
    title: 'sent NO of what was seen',
    change: endIs(failedAs('FAILURE_CODE_CONNECT', SENT_NO), unanswered(endRequest())),
    violation: /^the endpoint saw it: end-1 is FAILED, sent NO$/,
  },
  {
    title: 'sent YES of what was never seen',
    change: endIsUnseen(failedAs('FAILURE_CODE_TIMEOUT', SENT_YES)),
    violation: /^the endpoint never saw it: end-1 is FAILED, sent YES$/,
  },
  {
    title: 'sent YES without an answer',
    change: endIs(failedAs('FAILURE_CODE_TIMEOUT', SENT_YES), unanswered(endRequest())),
    violation: /^the endpoint sent no head: end-1 is FAILED, sent YES$/,
  },
  {
    title: 'a failure that does not say whether it was sent',
    change: endIs({ state: FAILED }),
    violation: /^it does not say whether it was sent: end-1 is FAILED$/,
  },
];

const REPLIES: readonly Row[] = [
  {
    title: 'a start told OK without an execution',
    change: { entries: repeat('start', reply({ name: 'nobody' }), { conversationUuid: OTHER }) },
    violation: /^the start of conversation-2 got a reply without an execution$/,
  },
  {
    title: 'an end told OK without an execution',
    change: { entries: repeat('end', reply({}), { conversationUuid: OTHER }) },
    violation: /^the end of conversation-2 got a reply without an execution$/,
  },
  {
    title: 'an execution that is not on record',
    change: { entries: repeat('end', ended({ uuid: 'end-2' }), { conversationUuid: OTHER }) },
    violation: /^the end of conversation-2 got a reply with end-2, which is not on record$/,
  },
  {
    title: "another conversation's execution",
    change: { entries: repeat('end', ended({ replayed: true }), { conversationUuid: OTHER }) },
    violation: /^the end of conversation-2 got a reply with end-1, which is the post_call of conversation-1$/,
  },
  {
    title: 'the execution of the other type',
    change: { entries: [...entries.slice(0, 2), { ...firstEnd, response: ended({ uuid: START }) }] },
    violation:
      /^the end of conversation-1 got a reply with start-1, which is the pre_call of conversation-1$/,
  },
  {
    title: 'a start that is another one on record',
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
    title: 'another reply to the same start',
    change: { entries: repeat('start', started({ replayed: true, decision: 2 })), inspected: [] },
    violation: /^the start of conversation-1 got different replies: /,
  },
  {
    title: 'two first replies to a start',
    change: { entries: repeat('start', started()) },
    violation: /^the start of conversation-1 got 2 replies that are not replayed$/,
  },
  {
    title: "another execution's variables",
    change: { entries: [{ ...firstStart, response: started({ name: 'Ada start-2' }) }], inspected: [] },
    violation: /^the start of conversation-1 got the customer_name Ada start-2, not Ada start-1$/,
  },
  {
    title: 'variables of a start that failed',
    change: {
      executions: [startExecution(failedAs('FAILURE_CODE_HTTP_STATUS', SENT_YES)), endExecution()],
      seen: [request({ answer: { atMs: T0, status: 500 } }), endRequest()],
      entries: [{ ...firstStart, response: started({ state: FAILED }) }],
      inspected: [],
    },
    violation: /^the start of conversation-1 got the customer_name Ada start-1, not nobody$/,
  },
  {
    title: 'another decision than GetExecution shows',
    change: { entries: [{ ...firstStart, response: started({ decision: 2 }) }] },
    violation: /^the start of conversation-1 got another decision than GetExecution shows$/,
  },
  {
    title: 'other values than GetExecution shows',
    change: { inspected: [startExecution()] },
    violation: /^the start of conversation-1 got other variables than GetExecution shows$/,
  },
];

const ENDS: readonly Row[] = [
  {
    title: 'two executions in the replies of an end',
    change: {
      executions: [...executions, endExecution(other('end-2'))],
      seen: [...seen, endRequest(other('end-2'))],
      entries: repeat('end', ended({ uuid: 'end-2', replayed: true, state: SUCCEEDED })),
    },
    violation: /^the end of conversation-1 has 2 executions$/,
  },
  {
    title: 'two first replies to an end',
    change: { entries: repeat('end', ended({ state: SUCCEEDED })) },
    violation: /^the end of conversation-1 got 2 replies that are not replayed$/,
  },
  {
    title: 'an end that goes back',
    change: { entries: repeat('end', ended({ replayed: true, state: SENDING })) },
    violation: /^the end of conversation-1 was SUCCEEDED in a reply, later SENDING$/,
  },
  {
    title: 'an end that ends twice',
    change: { ...endIs(failedAs('FAILURE_CODE_TIMEOUT', SENT_MAYBE)), entries },
    violation: /^the end of conversation-1 was SUCCEEDED in a reply, later FAILED$/,
  },
  {
    title: 'an end without an execution after one with it',
    change: { entries: repeat('end', reply({ replayed: true })) },
    violation: /^the end of conversation-1 got a reply without an execution after one with it$/,
  },
];

const ALONE = { conversationUuid: OTHER };
const refusalOf = (response: CallResponse, change: Partial<LoggedCall> = ALONE): Partial<Details> => ({
  entries: repeat('start', response, change),
});
const allow = (reason: string): Pick<Details, 'expected'> =>
  ({ expected: { refusedAs: [reason] } }) as Pick<Details, 'expected'>;
/** Of a call that left an execution on record all the same. */
const onlyTold = (reason: string): Partial<Details> => ({
  ...refusalOf(refused(reason)),
  ...allow(reason),
  executions: [...executions, startExecution({ ...other('start-2'), ...INTERRUPTED_AS })],
});

const OF_2 = { uuid: 'start-2', name: 'Ada start-2' };
/** Refused by replica-1; repeated there, or elsewhere, one second later; and on record as replica-1's. */
const withdrawnThen = (
  response: CallResponse,
  acceptedAtMs: number,
  replica = 'replica-1',
): Partial<Details> => ({
  ...{ expected: { refusedAs: ['LIMIT_REACHED', 'SHUTTING_DOWN'] } },
  executions: [
    ...executions,
    startExecution({ ...other('start-2'), instance: 'replica-1', acceptedAt: new Date(acceptedAtMs) }),
  ],
  seen: [...seen, request(other('start-2'))],
  entries: [
    ...entries,
    entry('start', T0 + 2_000, refused('LIMIT_REACHED'), { conversationUuid: OTHER }),
    entry('start', T0 + 3_000, response, { conversationUuid: OTHER, replica }),
  ],
});

const REFUSALS: readonly Row[] = [
  ...['DATABASE_UNAVAILABLE', 'SHUTTING_DOWN', 'LIMIT_REACHED', 'AGENT_NOT_FOUND'].map((reason) => ({
    title: `${reason} where nothing was hurt`,
    change: refusalOf(refused(reason)),
    violation: new RegExp(
      `^the start of conversation-2 was refused by replica-1: UNAVAILABLE ${reason} \\(no\\)$`,
    ),
  })),
  {
    title: 'an error without a reason from a replica that nobody hurt',
    change: refusalOf(refused('')),
    violation: /^the start of conversation-2 was refused by replica-1: UNAVAILABLE  \(no\)$/,
  },
  {
    title: 'an internal error of a replica that is being killed',
    change: {
      ...refusalOf(refused('', 'INTERNAL')),
      disturbances: [{ fromMs: T0 + 2_000, toMs: Infinity }],
    },
    violation: /^the start of conversation-2 was refused by replica-1: INTERNAL /,
  },
  ...['DATABASE_UNAVAILABLE', 'SHUTTING_DOWN', 'LIMIT_REACHED'].map((reason) => ({
    title: `${reason} without when to repeat it`,
    change: { ...refusalOf(refused(reason, 'UNAVAILABLE', 0)), ...allow(reason) },
    violation: new RegExp(
      `^the start of conversation-2 was refused as ${reason}, which does not say when to repeat it$`,
    ),
  })),
  {
    title: 'OUTCOME_NOT_RECORDED without when to repeat it',
    change: {
      ...refusalOf(refused('OUTCOME_NOT_RECORDED', 'UNAVAILABLE', 0), {}),
      ...allow('OUTCOME_NOT_RECORDED'),
    },
    violation:
      /^the start of conversation-1 was refused as OUTCOME_NOT_RECORDED, which does not say when to repeat it$/,
  },
  ...['OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING'].map((reason) => ({
    title: `${reason}, and nothing on record`,
    change: { ...refusalOf(refused(reason)), ...allow(reason) },
    violation: new RegExp(`^the start of conversation-2 was refused as ${reason}, and nothing is on record$`),
  })),
  ...['SHUTTING_DOWN', 'KEY_UNAVAILABLE', 'LIMIT_REACHED'].map((reason) => ({
    title: `nothing but ${reason}, and on record`,
    change: onlyTold(reason),
    violation: new RegExp(`^the start of conversation-2 was always refused as ${reason}, and is on record$`),
  })),
  ...[
    {
      title: 'before its repeat was sent',
      change: withdrawnThen(started({ replayed: true, ...OF_2 }), T0 + 2_999),
    },
    {
      title: 'and its repeat is a replay',
      change: withdrawnThen(started({ replayed: true, ...OF_2 }), T0 + 3_050),
    },
    { title: 'and its repeat is refused too', change: withdrawnThen(refused('SHUTTING_DOWN'), T0 + 3_050) },
    {
      title: 'by the replica that refused it',
      change: withdrawnThen(started(OF_2), T0 + 3_050, 'replica-2'),
    },
  ].map(({ title, change }) => ({
    title: `LIMIT_REACHED, and recorded all the same, ${title}`,
    change,
    violation: /^start-2, the pre_call of conversation-2, is of a call that was refused as LIMIT_REACHED$/,
  })),
];

const interrupted = (afterMs: number): Partial<Details> =>
  endIs({ ...INTERRUPTED_AS, finishedAt: new Date(T0 + LIMIT_MS + afterMs) }, unanswered(endRequest()));

const late = (ms: number): Partial<LoggedCall> => ({
  sentAtMs: T0,
  deadlineAtMs: T0 + 3_000,
  respondedAtMs: T0 + 3_000 + ms,
});

const TIMES: readonly Row[] = [
  {
    title: 'a reply after its deadline',
    change: {
      entries: [...entries.slice(0, 3), { ...firstEnd, ...late(200), response: ended({ replayed: true }) }],
    },
    violation: /^200 ms after its deadline: the end of conversation-1 by replica-1$/,
  },
  {
    title: 'a mark that comes late',
    change: interrupted(10_500),
    violation: /^500 ms late: the mark of end-1$/,
  },
];

const AMOUNTS: readonly Row[] = [
  ...(['executions', 'requests', 'replies'] as const).map((what) => ({
    title: `fewer ${what} than it takes to say something`,
    change: { expected: { atLeast: { [what]: 5 } } },
    violation: new RegExp(`^too little happened: \\d ${what} of 5$`),
  })),
  {
    title: 'a run in which most calls are refused',
    change: {
      entries: [
        ...entries,
        ...[...entries, firstStart].map((it) => ({ ...it, response: refused('EXECUTION_RUNNING') })),
      ],
      ...allow('EXECUTION_RUNNING'),
    },
    violation: /^too many were refused: 5 of 9 calls$/,
  },
];

describe('the comparison of what was seen, recorded and told', () => {
  it('has nothing to say of a clean run', () => {
    expect(violationsOf(CLEAN)).to.deep.equal([]);
  });

  it('says that nothing happened when nothing did', () => {
    const nothing = { ...CLEAN, executions: [], inspected: [], seen: [], entries: [] };
    expect(violationsOf(nothing)).to.have.length(3);
  });

  const rows = [
    ...REQUESTS,
    ...EXECUTIONS,
    ...REPLIES,
    ...STARTS,
    ...ENDS,
    ...REFUSALS,
    ...TIMES,
    ...AMOUNTS,
  ];
  for (const { title, change, violation } of rows)
    it(`names ${title}`, () => {
      const violations = violationsOf({ ...CLEAN, ...change });
      const named = violations.filter((text) => violation.test(text));
      expect(named, violations.join('\n')).to.not.be.empty;
    });

  const excused: readonly Omit<Row, 'violation'>[] = [
    {
      title: 'a refusal that the scenario allows',
      change: { ...refusalOf(refused('DATABASE_UNAVAILABLE')), ...allow('DATABASE_UNAVAILABLE') },
    },
    {
      title: 'LIMIT_REACHED whose repeat ran the webhook',
      change: withdrawnThen(started(OF_2), T0 + 3_050),
    },
    {
      title: 'LIMIT_REACHED for the repeat of what is on record',
      change: { entries: repeat('start', refused('LIMIT_REACHED')), ...allow('LIMIT_REACHED') },
    },
    {
      title: 'an error without a reason from a replica that is being killed',
      change: { ...refusalOf(refused('')), disturbances: [{ fromMs: T0 + 2_050, toMs: Infinity }] },
    },
    {
      title: 'a short deadline that was missed while the machine stood still',
      change: {
        ...refusalOf(refused('', 'DEADLINE_EXCEEDED'), { ...ALONE, deadlineAtMs: T0 + 2_500 }),
        stalls: [{ fromMs: T0 + 2_010, toMs: T0 + 2_090 }],
      },
    },
    {
      title: 'a late reply while the machine stood still',
      change: {
        entries: [...entries.slice(0, 3), { ...firstEnd, ...late(200), response: ended({ replayed: true }) }],
        stalls: [{ fromMs: T0 + 100, toMs: T0 + 250 }],
      },
    },
    { title: 'a mark within the time limit and 10 s', change: interrupted(9_900) },
    {
      title: 'a later mark where the scenario says so',
      change: { ...interrupted(19_900), expected: { interruptedWithinMs: 20_000 } },
    },
    {
      title: 'a mark that had to wait for somebody to write it',
      change: { ...interrupted(19_900), disturbances: [{ fromMs: T0, toMs: T0 + LIMIT_MS + 10_000 }] },
    },
    {
      title: 'an end that was corrected from INTERRUPTED',
      change: { entries: [...entries.slice(0, 2), { ...firstEnd, response: ended({ state: INTERRUPTED }) }] },
    },
  ];
  for (const { title, change } of excused)
    it(`has nothing to say of ${title}`, () => {
      expect(violationsOf({ ...CLEAN, ...change })).to.deep.equal([]);
    });
});
