import type { Connections } from '../sql/connections.ts';
import type { Dialect } from '../sql/dialect.ts';
import type { ExecutionStore } from '../execution-store.ts';
import { createExecutionList } from './list-executions.ts';
import { createAbandonStart, createInterrupts } from './interrupt-executions.ts';
import { createLockedRows } from './locked-rows.ts';
import { createPendingPostCallReads } from './pending-post-calls.ts';
import { createPurge } from './purge-executions.ts';
import { createReads } from './read-executions.ts';

/** Connections by what they are for, so that none of these waits for another's. */
export interface ConnectionsByUse {
  /** Batches of writes. */
  readonly writes: Connections;
  /** Reads that a reply or an outgoing request depends on: causal on a cluster. */
  readonly reads: Connections;
  /** Lists, agents' changes, sweeps and the purge. */
  readonly admin: Connections;
}

/** Makes all of the executions' store but the writing of batches, which is each engine's own. */
export function createExecutionStore(
  { writes, reads, admin }: ConnectionsByUse,
  dialect: Dialect,
): Omit<ExecutionStore, 'write'> {
  return {
    ...createReads(reads, dialect),
    ...createPendingPostCallReads(admin, dialect),
    ...createExecutionList(admin, dialect),
    ...createPurge(admin, dialect),
    ...createInterrupts(admin, dialect),
    ...createAbandonStart(writes, dialect),
    ...createLockedRows(reads, dialect),
  };
}
