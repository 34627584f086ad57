import { expect } from 'chai';
import fc from 'fast-check';
import type { Api } from '../../../../src/cli/client/connect.ts';
import { createEndedPoll } from '../../../../src/cli/explain/poll-ended.ts';
import {
  Execution,
  ExecutionState,
  ListExecutionsRequest,
  type ListExecutionsResponse,
} from '../../../../src/gen/index.callhooks.v1.ts';

const { EXECUTION_STATE_SENDING, EXECUTION_STATE_SUCCEEDED, EXECUTION_STATE_FAILED } = ExecutionState;
const EPOCH_MS = Date.parse('2026-01-01T00:00:00Z');

/** An execution of a server whose clock the test moves. */
interface Planned {
  readonly acceptedMs: number;
  /** When its row can be seen: a commit takes a moment. */
  readonly visibleMs: number;
  readonly finishedMs: number;
  readonly fails: boolean;
}

/** A server that holds planned executions. Each RPC takes some time. */
function createServer(planned: readonly Planned[], rpcMs: number) {
  const clock = { nowMs: EPOCH_MS };
  const at = (index: number): Execution => {
    const { acceptedMs, finishedMs, fails } = planned[index] as Planned;
    const hasEnded = finishedMs <= clock.nowMs;
    return Execution.fromPartial({
      executionUuid: String(index),
      state: !hasEnded ? EXECUTION_STATE_SENDING : fails ? EXECUTION_STATE_FAILED : EXECUTION_STATE_SUCCEEDED,
      acceptedAt: new Date(acceptedMs),
      ...(hasEnded ? { finishedAt: new Date(finishedMs) } : {}),
    });
  };
  const list = (request: ListExecutionsRequest): ListExecutionsResponse => {
    const { states, acceptedAtFrom, acceptedAtTo, pageSize, pageToken } = request;
    const found = planned
      .map((each, index) => ({ each, execution: at(index) }))
      .filter(({ each, execution }) => each.visibleMs <= clock.nowMs && states.includes(execution.state))
      .filter(({ each }) => each.acceptedMs >= Number(acceptedAtFrom ?? 0))
      .filter(({ each }) => each.acceptedMs < Number(acceptedAtTo ?? Infinity))
      .toSorted((a, b) => b.each.acceptedMs - a.each.acceptedMs)
      .map(({ execution }) => execution);
    const start = Number(pageToken);
    const executions = found.slice(start, start + pageSize);
    return { executions, nextPageToken: start + pageSize < found.length ? String(start + pageSize) : '' };
  };
  const call = async ({ path }: { path: string }, request: never): Promise<unknown> => {
    clock.nowMs += rpcMs;
    if (path.endsWith('/ListExecutions')) return list(request);
    return { execution: at(Number((request as { executionUuid: string }).executionUuid)) };
  };
  return { clock, api: { address: '', close: () => undefined, call } as unknown as Api };
}

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** Plans executions before and behind the time at which the poll begins. Some stay open for hours. */
const plans = fc.array(
  fc
    .record({
      accepted: fc.integer({ min: -2 * HOUR, max: HOUR }),
      lag: fc.integer({ min: 0, max: 2 * SECOND }),
      open: fc.oneof(fc.integer({ min: 0, max: 70 * SECOND }), fc.integer({ min: 0, max: 3 * HOUR })),
      fails: fc.boolean(),
    })
    .map(({ accepted, lag, open, fails }) => ({
      acceptedMs: EPOCH_MS + accepted,
      visibleMs: EPOCH_MS + accepted + lag,
      finishedMs: EPOCH_MS + accepted + lag + open,
      fails,
    })),
  { maxLength: 60 },
);

describe('the poll of ended executions', () => {
  for (const states of [[EXECUTION_STATE_SUCCEEDED, EXECUTION_STATE_FAILED], [EXECUTION_STATE_FAILED]]) {
    it(`returns each execution once that ends behind its beginning (${states.length} states)`, async () => {
      const pauses = fc.array(fc.integer({ min: 100, max: 10 * 60 * SECOND }), {
        minLength: 1,
        maxLength: 20,
      });
      await fc.assert(
        fc.asyncProperty(plans, pauses, fc.integer({ min: 0, max: 50 }), async (planned, waits, rpcMs) => {
          const { api, clock } = createServer(planned, rpcMs);
          const poll = createEndedPoll(api, ListExecutionsRequest.fromPartial({ states }), expect.fail);
          await poll.begin(undefined);
          const begunMs = clock.nowMs;
          const returned: string[] = [];
          let lastMs = begunMs;
          for (const wait of waits) {
            clock.nowMs += wait;
            lastMs = clock.nowMs;
            returned.push(...(await poll.next()).map(({ executionUuid }) => executionUuid));
          }
          const wanted = planned.flatMap(({ finishedMs, fails }, index) =>
            finishedMs > begunMs && finishedMs <= lastMs && (fails || states.length === 2)
              ? [String(index)]
              : [],
          );
          expect(new Set(returned).size).to.equal(returned.length);
          expect(wanted.filter((uuid) => !returned.includes(uuid))).to.deep.equal([]);
          const early = returned.filter((uuid) => (planned[Number(uuid)]?.finishedMs ?? 0) <= EPOCH_MS);
          expect(early).to.deep.equal([]);
        }),
        { numRuns: 300 },
      );
    });
  }

  const ended = (secondsAgo: number): Planned => {
    const atMs = EPOCH_MS - secondsAgo * SECOND;
    return { acceptedMs: atMs, visibleMs: atMs, finishedMs: atMs, fails: false };
  };
  const all = ListExecutionsRequest.fromPartial({ states: [EXECUTION_STATE_SUCCEEDED] });

  it('begins with those that were accepted since a time, the oldest first', async () => {
    const { api } = createServer([10, 20, 30, 4000].map(ended), 0);
    const poll = createEndedPoll(api, all, expect.fail);
    const found = await poll.begin(new Date(EPOCH_MS - 25 * SECOND));
    expect(found.map(({ executionUuid }) => executionUuid)).to.deep.equal(['1', '0']);
    expect(await poll.next()).to.deep.equal([]);
  });

  it('reads 5,000 executions at once, and says so when there are more', async () => {
    const { api } = createServer(
      Array.from({ length: 5_300 }, (_, index) => ended(index / 100)),
      0,
    );
    let warnings = 0;
    const poll = createEndedPoll(api, all, () => (warnings += 1));
    expect(await poll.begin(new Date(0))).to.have.length(5_000);
    expect(warnings).to.equal(1);
  });

  it('returns what a failed poll would have returned the next time', async () => {
    const { api, clock } = createServer([ended(5), ended(-1)], 0);
    let isAway = false;
    const call: Api['call'] = (method, request) =>
      isAway ? Promise.reject(new Error('away')) : api.call(method, request);
    const poll = createEndedPoll({ ...api, call }, all, expect.fail);
    await poll.begin(undefined);
    clock.nowMs += 2 * SECOND;
    isAway = true;
    const refused = await poll.next().then(
      () => false,
      () => true,
    );
    expect(refused).to.equal(true);
    isAway = false;
    expect((await poll.next()).map(({ executionUuid }) => executionUuid)).to.deep.equal(['1']);
  });
});
