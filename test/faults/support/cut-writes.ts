import { expect } from 'chai';
import { createConnection, type Connection } from 'mysql2/promise';
import type { Engine } from '../../support/engines.ts';
import { until } from '../../support/until.ts';
import type { Call } from './call-log.ts';
import { describeResponse, type CallResponse } from './call-response.ts';
import { readRow } from './cluster-database.ts';
import { createCluster, type Cluster } from './cluster.ts';
import { untilDatabaseAvailable } from './database-probe.ts';
import { addProxiedReplica, type ProxiedReplica } from './proxied-replica.ts';
import type { Cut, HurtConnection } from './proxy-pair.ts';
import { stalledBetween } from './stalls.ts';
import type { TestAgent } from './test-agent.ts';

/** A write of the engine, which is one text from START TRANSACTION to COMMIT. `at` is a part of it that no other write has. */
export interface WriteMoment {
  readonly title: string;
  readonly rpc: Call['rpc'];
  readonly at: string;
}

export const START_CLAIM: WriteMoment = {
  title: 'the claim of a start',
  rpc: 'start',
  at: 'INSERT INTO execution_starts',
};
export const ACCEPT: WriteMoment = {
  title: 'the insert of a post-call',
  rpc: 'end',
  at: 'INSERT INTO execution_details',
};
export const POST_CALL_CLAIM: WriteMoment = {
  title: 'the claim of a post-call',
  rpc: 'end',
  at: 'e.claim = new_claim',
};
export const START_OUTCOME: WriteMoment = {
  title: 'the outcome of a start',
  rpc: 'start',
  at: 'SET state = new_state',
};
export const POST_CALL_OUTCOME: WriteMoment = {
  title: 'the outcome of a post-call',
  rpc: 'end',
  at: 'SET state = new_state',
};

/** A caller may get this while nobody knows whether its write has arrived. */
export const REFUSED = 'DATABASE_UNAVAILABLE';

/** A replica behind a proxy, whose writes can be cut one by one. */
export interface CutWrites {
  cluster(): Cluster;
  through(): ProxiedReplica;
  /** A connection to the database past the proxy. */
  beside(): Connection;
  /** Returns how many traps were set. */
  cuts(): number;
  /** Hurts the connection on which this write is seen next. */
  trap(moment: WriteMoment, cut: Cut): Promise<HurtConnection>;
  call(rpc: Call['rpc'], conversationUuid: string): Promise<CallResponse>;
  rowOf(rpc: Call['rpc'], conversationUuid: string): Promise<string>;
  untilRow(rpc: Call['rpc'], conversationUuid: string, expected: string, withinMs?: number): Promise<unknown>;
  /** Returns the milliseconds since an instant, without the time in which this process got no turn. */
  msSince(sinceMs: number): number;
  /** Repeats a call while its response says that the outcome is not known yet. Returns the first that `isFinal`. */
  repeatUntil(
    rpc: Call['rpc'],
    conversationUuid: string,
    isFinal: (response: string) => boolean,
  ): Promise<string>;
}

/** Starts such a replica, on MariaDB, for the tests of a suite. Each test begins when it has its database. */
export function useCutWrites(engine: Engine, limitMs: number): CutWrites {
  let cluster: Cluster;
  let through: ProxiedReplica;
  let agent: TestAgent;
  let beside: Connection;
  let cuts = 0;

  before(async function () {
    this.timeout(60_000);
    cluster = await createCluster(engine);
    through = await addProxiedReplica(cluster);
    agent = await cluster.addAgent({ preLimitMs: limitMs, postLimitMs: limitMs });
    beside = await createConnection(cluster.url ?? '');
  });
  after(async () => {
    await beside.end();
    await cluster.close();
    await through.proxy.close();
  });
  // After a cut the database counts as away until the next probe finds it.
  beforeEach(() => untilDatabaseAvailable(through.replica));

  const call: CutWrites['call'] = (rpc, conversationUuid) =>
    cluster.callLog.call(through.replica, { rpc, agentUuid: agent.agentUuid, conversationUuid });
  const rowOf: CutWrites['rowOf'] = (rpc, conversationUuid) =>
    readRow(cluster, conversationUuid, rpc === 'start' ? 'pre_call' : 'post_call');
  return {
    cluster: () => cluster,
    through: () => through,
    beside: () => beside,
    cuts: () => cuts,
    trap: ({ at }, cut) => {
      cuts += 1;
      return through.proxy.trap({ at, cut });
    },
    call,
    rowOf,
    untilRow: (rpc, conversationUuid, expected, withinMs = 12_000) => {
      let row = '';
      const look = async () => (row = await rowOf(rpc, conversationUuid)) === expected;
      const options = { timeoutMs: withinMs, everyMs: 50 };
      return until(`${rpc} to be ${expected}`, look, options).catch(() =>
        expect(row, `the row of the ${rpc}`).to.equal(expected),
      );
    },
    msSince: (sinceMs) => Date.now() - sinceMs - stalledBetween(cluster.callLog.stalls, sinceMs, Date.now()),
    repeatUntil: (rpc, conversationUuid, isFinal) =>
      until(
        'the repeat to be answered',
        async () => {
          const response = describeResponse(await call(rpc, conversationUuid));
          const isUnknown = response === REFUSED || response === 'EXECUTION_RUNNING';
          return !isUnknown && isFinal(response) && response;
        },
        { everyMs: 200 },
      ),
  };
}

/** Reports whether a response says that its execution is finished. */
export function isFinished(response: string): boolean {
  return !/^replayed (ACCEPTED|SENDING)$/.test(response);
}
