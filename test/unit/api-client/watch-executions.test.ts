import { Metadata, status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { CallhooksClientError, localError, type StatusCode } from '../../../src/api-client/client-error.ts';
import type { Connection } from '../../../src/api-client/connection.ts';
import { watchExecutions } from '../../../src/api-client/watch-executions.ts';
import { RequestInfo } from '../../../src/gen/google/rpc/error_details.ts';
import { Status } from '../../../src/gen/google/rpc/status.ts';
import {
  ExecutionState,
  WatchExecutionsRequest,
  WatchExecutionsResponse,
} from '../../../src/gen/index.callhooks.v1.ts';

const { EXECUTION_STATE_INTERRUPTED, EXECUTION_STATE_SUCCEEDED } = ExecutionState;

/** An execution by its name, with the second at which it ended. */
type Ended = readonly [executionUuid: string, second: number, state?: ExecutionState];

/** A message: its executions, and the second of `finished_at_to`. */
type Told = readonly [executions: readonly Ended[], toSecond: number];

/** What a stream does: it tells messages, and ends with an error, or with a status OK. */
interface Stream {
  readonly tells?: readonly Told[];
  readonly fails?: Error;
}

const at = (second: number): Date => new Date(second * 1_000);
const lost = (code: StatusCode): Error => localError(status[code], `failed with ${code}`);

function toBytes([executions, toSecond]: Told): Buffer {
  const message = WatchExecutionsResponse.fromPartial({
    executions: executions.map(([executionUuid, second, state = EXECUTION_STATE_SUCCEEDED]) => ({
      executionUuid,
      state,
      finishedAt: at(second),
    })),
    finishedAtTo: at(toSecond),
  });
  return Buffer.from(WatchExecutionsResponse.encode(message).finish());
}

/** A connection whose streams are planned. After the last one it is closed. */
function plannedConnection(streams: readonly Stream[]) {
  const closing = new AbortController();
  const requests: WatchExecutionsRequest[] = [];
  const connection: Pick<Connection, 'receive' | 'closed'> = {
    closed: closing.signal,
    receive: async function* receive(_path, request) {
      const stream = streams[requests.length];
      requests.push(WatchExecutionsRequest.decode(request));
      for (const told of stream?.tells ?? []) yield toBytes(told);
      if (stream === undefined) closing.abort(new Error('closed'));
      if (stream?.fails !== undefined) throw stream.fails;
    },
  };
  return { connection, froms: () => requests.map(({ finishedAtFrom }) => finishedAtFrom) };
}

/** Returns the error with which work ends. */
async function errorOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => new Error('the work succeeded'),
    (error: unknown) => error as Error,
  );
}

/** Watches until the watch ends with an error. */
async function watchAll(
  { connection }: ReturnType<typeof plannedConnection>,
  options: Parameters<typeof watchExecutions>[2] = {},
) {
  const told: string[] = [];
  const request = WatchExecutionsRequest.fromPartial({ finishedAtFrom: at(1) });
  const wait = async (): Promise<void> => undefined;
  const watch = async (): Promise<void> => {
    for await (const { executions } of watchExecutions(connection, request, { wait, ...options }))
      told.push(...executions.map(({ executionUuid }) => executionUuid));
  };
  return { error: await errorOf(watch()), told };
}

describe('watchExecutions of the client', () => {
  it('resumes where the last message ended, and leaves out what a stream tells again', async () => {
    const planned = plannedConnection([
      {
        tells: [
          [[], 10],
          [
            [
              ['a', 12],
              ['b', 14],
            ],
            13,
          ],
        ],
        fails: lost('UNAVAILABLE'),
      },
      {
        tells: [
          [
            [
              ['b', 14],
              ['c', 15],
            ],
            13,
          ],
        ],
      },
      {
        tells: [
          [
            [
              ['b', 14],
              ['c', 15],
              ['d', 16],
            ],
            20,
          ],
        ],
      },
    ]);
    expect((await watchAll(planned)).told).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(planned.froms()).to.deep.equal([1, 13, 13, 20].map(at));
  });

  it('tells an execution a second time that has ended in another state', async () => {
    const planned = plannedConnection([
      {
        tells: [
          [[['a', 12, EXECUTION_STATE_INTERRUPTED]], 10],
          [[['a', 12]], 10],
        ],
      },
    ]);
    expect((await watchAll(planned)).told).to.deep.equal(['a', 'a']);
  });

  for (const code of ['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'CANCELLED', 'INTERNAL', 'UNKNOWN'] as const)
    it(`resumes after ${code} that no part of callhooks has caused`, async () => {
      const planned = plannedConnection([{ tells: [[[], 10]], fails: lost(code) }, {}]);
      expect((await watchAll(planned)).error).to.include({ message: 'closed' });
      expect(planned.froms()).to.deep.equal([1, 10, 10].map(at));
    });

  for (const code of ['INVALID_ARGUMENT', 'UNAUTHENTICATED', 'PERMISSION_DENIED', 'UNIMPLEMENTED'] as const)
    it(`ends with ${code}, because another try would not help`, async () => {
      const planned = plannedConnection([{ tells: [[[], 10]], fails: lost(code) }]);
      expect((await watchAll(planned)).error).to.include({ code });
    });

  it('ends with INTERNAL that callhooks has given an id', async () => {
    const value = Buffer.from(RequestInfo.encode(RequestInfo.fromPartial({ requestId: 'r-1' })).finish());
    const detail = { typeUrl: 'type.googleapis.com/google.rpc.RequestInfo', value };
    const metadata = new Metadata();
    const bytes = Status.encode(Status.fromPartial({ details: [detail] })).finish();
    metadata.set('grpc-status-details-bin', Buffer.from(bytes));
    const cause = Object.assign(new Error('internal error'), {
      code: status.INTERNAL,
      details: 'internal error',
      metadata,
    });
    const planned = plannedConnection([{ tells: [[[], 10]], fails: new CallhooksClientError(cause) }]);
    expect((await watchAll(planned)).error).to.include({ code: 'INTERNAL', requestId: 'r-1' });
  });

  it('ends when the first stream can not be had, unless it waits for the server', async () => {
    const streams = [{ fails: lost('UNAVAILABLE') }, { tells: [[[['a', 12]], 10]] }] as const;
    expect((await watchAll(plannedConnection(streams))).error).to.include({ code: 'UNAVAILABLE' });
    const { told, error } = await watchAll(plannedConnection(streams), { waitsForServer: true });
    expect([told, error.message]).to.deep.equal([['a'], 'closed']);
  });

  it('tells once that the stream is lost, when the first try to resume fails too', async () => {
    const begun: Stream = { tells: [[[], 10]], fails: lost('UNAVAILABLE') };
    const codes: string[] = [];
    const onLost = ({ code }: CallhooksClientError): void => void codes.push(code);
    await watchAll(plannedConnection([begun, begun, { fails: lost('UNKNOWN') }, {}, begun]), { onLost });
    expect(codes).to.deep.equal(['UNKNOWN']);
  });

  it("ends with the signal's reason while it waits for the next try", async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const planned = plannedConnection([{ tells: [[[], 10]], fails: lost('UNAVAILABLE') }]);
    const { connection } = planned;
    const watch = watchExecutions(connection, WatchExecutionsRequest.fromPartial({}), {
      signal: controller.signal,
    });
    await watch.next();
    const next = watch.next();
    controller.abort(reason);
    expect(await errorOf(next)).to.equal(reason);
    expect(planned.froms()).to.have.length(1);
  });
});
