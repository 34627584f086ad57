import { expect } from 'chai';
import type { Execution } from '../../../src/domain/execution.ts';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import * as enums from '../../../src/grpc/messages/wire-values.ts';
import { executionMessage } from '../../../src/grpc/messages/execution.ts';
import { toDuration } from '../../../src/grpc/messages/wire-values.ts';

describe('toDuration', () => {
  const rows: [string, number, bigint, number][] = [
    ['zero', 0, 0n, 0],
    ['a fraction of a millisecond', 0.000_001, 0n, 1],
    ['milliseconds', 1234, 1n, 234_000_000],
    ['a fraction of a second', 1234.5678, 1n, 234_567_800],
    ['a time that rounds up to a whole second', 999.999_999_9, 1n, 0],
  ];
  for (const [title, ms, seconds, nanos] of rows) {
    it(`returns the duration of ${title}`, () => expect(toDuration(ms)).to.deep.equal({ seconds, nanos }));
  }
});

describe('the tables of enums', () => {
  const tables: [string, Record<string, number>, Record<string, number>][] = [
    ['WebhookType', pb.WebhookType, enums.WEBHOOK_TYPES],
    ['FailurePolicy', pb.FailurePolicy, enums.FAILURE_POLICIES],
    ['CallDecision', pb.CallDecision, enums.CALL_DECISIONS],
    ['ExecutionState', pb.ExecutionState, enums.EXECUTION_STATES],
    ['Sent', pb.Sent, enums.SENT],
    ['TimeLimitSource', pb.TimeLimitSource, enums.TIME_LIMIT_SOURCES],
    ['MissReason', pb.MissReason, enums.MISS_REASONS],
    ['VariableSource', pb.VariableSource, enums.VARIABLE_SOURCES],
    ['FailureCode', pb.FailureCode, enums.FAILURE_CODE_NUMBERS],
  ];
  for (const [name, wire, table] of tables) {
    it(`hold every value of ${name}`, () => {
      const numbers = Object.values(wire).filter((number) => number > 0);
      expect(Object.values(table).toSorted()).to.deep.equal(numbers.toSorted());
    });
  }

  it('return 0 for a word of a newer release', () => {
    expect(enums.numberOf(enums.SENT, 'perhaps')).to.equal(0);
  });
});

describe('executionMessage', () => {
  const execution: Execution = {
    executionUuid: '01890000-0000-7000-8000-000000000001',
    agentUuid: '01890000-0000-7000-8000-000000000002',
    conversationUuid: '01890000-0000-7000-8000-000000000003',
    webhookUuid: '01890000-0000-7000-8000-000000000004',
    webhookEtag: 'e1',
    webhookType: 'pre_call',
    state: 'succeeded',
    failurePolicy: 'proceed',
    missingVariables: [],
    missedAssignments: [],
    acceptedAtMs: 1_700_000_000_123,
    instance: 'replica-1',
  };
  const { CALL_DECISION_PROCEED, CALL_DECISION_BLOCK, CALL_DECISION_UNSPECIFIED } = pb.CallDecision;
  const rows: [string, Partial<Execution>, number, boolean][] = [
    [
      'returns PROCEED for a recorded proceed',
      { failurePolicy: 'block', decision: 'proceed' },
      CALL_DECISION_PROCEED,
      false,
    ],
    [
      'returns a degraded PROCEED for a recorded proceed_degraded',
      { state: 'failed', decision: 'proceed_degraded' },
      CALL_DECISION_PROCEED,
      true,
    ],
    [
      'returns a BLOCK that is not degraded for a recorded block',
      { state: 'interrupted', failurePolicy: 'block', decision: 'block' },
      CALL_DECISION_BLOCK,
      false,
    ],
    [
      'returns a BLOCK for a recorded rejection',
      { decision: 'block_rejected', rejectReason: 'spam' },
      CALL_DECISION_BLOCK,
      false,
    ],
    ['returns no decision while the execution runs', { state: 'sending' }, CALL_DECISION_UNSPECIFIED, false],
    [
      'returns no decision for a post-call',
      { webhookType: 'post_call', state: 'failed', failurePolicy: null },
      CALL_DECISION_UNSPECIFIED,
      false,
    ],
  ];
  for (const [title, change, decision, degraded] of rows) {
    it(title, () => {
      expect(executionMessage({ ...execution, ...change })).to.include({ decision, degraded });
    });
  }

  it('returns whether the endpoint rejected the call, and why', () => {
    const rejected = executionMessage({ ...execution, decision: 'block_rejected', rejectReason: 'spam' });
    expect(rejected).to.include({ rejected: true, rejectReason: 'spam' });
    const blocked = executionMessage({ ...execution, state: 'failed', decision: 'block' });
    expect(blocked).to.include({ rejected: false, rejectReason: '' });
  });

  it('returns UNSPECIFIED for the words of a newer release', () => {
    const newer = {
      webhookType: 'in_call',
      failure: { code: 'TIRED', message: 'm', sent: 'perhaps' },
      decision: 'unknown_17',
    } as unknown as Partial<Execution>;
    const message = executionMessage({ ...execution, ...newer });
    expect(message).to.deep.include({
      webhookType: 0,
      failure: { code: 0, message: 'm', sent: 0 },
      decision: 0,
    });
    expect(() => pb.Execution.encode(message).finish()).not.to.throw();
  });

  it('returns the time between acceptance and sending of a post-call', () => {
    const stamps = { acceptedAtMs: 1_000, sendingAtMs: 3_500, timings: { totalMs: 10 } };
    const { timings } = executionMessage({ ...execution, ...stamps, webhookType: 'post_call' });
    expect(timings?.queued).to.deep.equal({ seconds: 2n, nanos: 500_000_000 });
    expect(timings?.total).to.deep.equal({ seconds: 0n, nanos: 10_000_000 });
  });

  it('returns a message that encoding and decoding leaves equal, with its milliseconds', () => {
    const message = executionMessage({ ...execution, timeLimitMs: 9_500, timings: { totalMs: 12.25 } });
    expect(pb.Execution.decode(pb.Execution.encode(message).finish())).to.deep.equal(message);
    expect(message.acceptedAt?.toISOString()).to.equal('2023-11-14T22:13:20.123Z');
  });
});
