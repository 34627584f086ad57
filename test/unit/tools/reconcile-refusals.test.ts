import { expect } from 'chai';
import type { LoggedCall } from '../../faults/support/call-log.ts';
import type { CallResponse } from '../../faults/support/call-response.ts';
import {
  CLEAN,
  type FlatEvidence,
  INTERRUPTED,
  INTERRUPTED_AS,
  LIMIT_MS,
  OTHER,
  type Row,
  T0,
  endIs,
  endRequest,
  ended,
  entry,
  firstEnd,
  firstStart,
  other,
  refused,
  repeat,
  request,
  startExecution,
  started,
  testRows,
  unanswered,
  violationsOf,
} from './evidence.ts';

const { executions, seen, entries } = CLEAN;

const ALONE = { conversationUuid: OTHER };
function refusalOf(response: CallResponse, change: Partial<LoggedCall> = ALONE): Partial<FlatEvidence> {
  return {
    entries: repeat('start', response, change),
  };
}
function allow(reason: string): Pick<FlatEvidence, 'expected'> {
  return { expected: { refusedAs: [reason] } } as Pick<FlatEvidence, 'expected'>;
}
/** Returns evidence of a call that was always refused, and has an execution on record. */
function onlyTold(reason: string): Partial<FlatEvidence> {
  return {
    ...refusalOf(refused(reason)),
    ...allow(reason),
    executions: [...executions, startExecution({ ...other('start-2'), ...INTERRUPTED_AS })],
  };
}

const OF_2 = { uuid: 'start-2', name: 'Ada start-2' };
/** Returns evidence of a call that replica-1 refused and has on record, and that was repeated one second later. */
function withdrawnThen(
  response: CallResponse,
  acceptedAtMs: number,
  replica = 'replica-1',
): Partial<FlatEvidence> {
  return {
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
  };
}

const REFUSALS: readonly Row[] = [
  ...['DATABASE_UNAVAILABLE', 'SHUTTING_DOWN', 'LIMIT_REACHED', 'AGENT_NOT_FOUND'].map((reason) => ({
    title: `${reason} from a replica that was not disturbed`,
    change: refusalOf(refused(reason)),
    violation: new RegExp(
      `^the start of conversation-2 was refused by replica-1: UNAVAILABLE ${reason} \\(no\\)$`,
    ),
  })),
  {
    title: 'an error without a reason from a replica that was not disturbed',
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
    title: `${reason} that does not say when to repeat the call`,
    change: { ...refusalOf(refused(reason, 'UNAVAILABLE', 0)), ...allow(reason) },
    violation: new RegExp(
      `^the start of conversation-2 was refused as ${reason}, which does not say when to repeat it$`,
    ),
  })),
  {
    title: 'OUTCOME_NOT_RECORDED that does not say when to repeat the call',
    change: {
      ...refusalOf(refused('OUTCOME_NOT_RECORDED', 'UNAVAILABLE', 0), {}),
      ...allow('OUTCOME_NOT_RECORDED'),
    },
    violation:
      /^the start of conversation-1 was refused as OUTCOME_NOT_RECORDED, which does not say when to repeat it$/,
  },
  ...['OUTCOME_NOT_RECORDED', 'EXECUTION_RUNNING'].map((reason) => ({
    title: `${reason} for a call that is not on record`,
    change: { ...refusalOf(refused(reason)), ...allow(reason) },
    violation: new RegExp(`^the start of conversation-2 was refused as ${reason}, and nothing is on record$`),
  })),
  ...['SHUTTING_DOWN', 'KEY_UNAVAILABLE', 'LIMIT_REACHED'].map((reason) => ({
    title: `a call that was always refused as ${reason} and is on record`,
    change: onlyTold(reason),
    violation: new RegExp(`^the start of conversation-2 was always refused as ${reason}, and is on record$`),
  })),
  ...[
    {
      title: 'before its repeat was sent',
      change: withdrawnThen(started({ replayed: true, ...OF_2 }), T0 + 2_999),
    },
    {
      title: 'whose repeat is replayed',
      change: withdrawnThen(started({ replayed: true, ...OF_2 }), T0 + 3_050),
    },
    { title: 'whose repeat is refused too', change: withdrawnThen(refused('SHUTTING_DOWN'), T0 + 3_050) },
    {
      title: 'by the replica that refused it',
      change: withdrawnThen(started(OF_2), T0 + 3_050, 'replica-2'),
    },
  ].map(({ title, change }) => ({
    title: `a call that was refused as LIMIT_REACHED and is recorded, ${title}`,
    change,
    violation: /^start-2, the pre_call of conversation-2, is of a call that was refused as LIMIT_REACHED$/,
  })),
];

function interrupted(afterMs: number): Partial<FlatEvidence> {
  return endIs(
    { ...INTERRUPTED_AS, finishedAt: new Date(T0 + LIMIT_MS + afterMs) },
    unanswered(endRequest()),
  );
}

function late(ms: number): Partial<LoggedCall> {
  return {
    sentAtMs: T0,
    deadlineAtMs: T0 + 3_000,
    respondedAtMs: T0 + 3_000 + ms,
  };
}

const TIMES: readonly Row[] = [
  {
    title: 'a reply after its deadline',
    change: {
      entries: [...entries.slice(0, 3), { ...firstEnd, ...late(200), response: ended({ replayed: true }) }],
    },
    violation: /^200 ms after its deadline: the end of conversation-1 by replica-1$/,
  },
  {
    title: 'an execution that is marked interrupted too late',
    change: interrupted(10_500),
    violation: /^500 ms late: the mark of end-1$/,
  },
];

const AMOUNTS: readonly Row[] = [
  ...(['executions', 'requests', 'replies'] as const).map((what) => ({
    title: `fewer ${what} than the scenario expects`,
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

const ACCEPTED_RUNS: readonly Omit<Row, 'violation'>[] = [
  {
    title: 'a refusal that the scenario allows',
    change: { ...refusalOf(refused('DATABASE_UNAVAILABLE')), ...allow('DATABASE_UNAVAILABLE') },
  },
  {
    title: 'LIMIT_REACHED whose repeat ran the webhook',
    change: withdrawnThen(started(OF_2), T0 + 3_050),
  },
  {
    title: 'LIMIT_REACHED for the repeat of a recorded call',
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
  { title: 'a mark within 10 s of the time limit', change: interrupted(9_900) },
  {
    title: 'a later mark that the scenario allows',
    change: { ...interrupted(19_900), expected: { interruptedWithinMs: 20_000 } },
  },
  {
    title: 'a late mark while no replica could write it',
    change: { ...interrupted(19_900), disturbances: [{ fromMs: T0, toMs: T0 + LIMIT_MS + 10_000 }] },
  },
  {
    title: 'a report that was corrected from INTERRUPTED',
    change: { entries: [...entries.slice(0, 2), { ...firstEnd, response: ended({ state: INTERRUPTED }) }] },
  },
];

describe('the comparison of refusals, times and amounts', () => {
  for (const { title, change } of ACCEPTED_RUNS)
    it(`accepts ${title}`, () => {
      expect(violationsOf({ ...CLEAN, ...change })).to.deep.equal([]);
    });

  testRows(REFUSALS);
  testRows(TIMES);
  testRows(AMOUNTS);
});
