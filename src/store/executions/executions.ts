import type { Connections } from '../sql/connections.ts';
import type { Dialect } from '../sql/dialect.ts';
import type { ExecutionStore } from '../execution-store.ts';
import { createExecutionList } from './list-executions.ts';
import { createEndedReads } from './list-ended.ts';
import { createAbandonStart, createInterrupts } from './interrupt-executions.ts';
import { createLockedRows } from './locked-rows.ts';
import { createPendingPostCallReads } from './pending-post-calls.ts';
import { createPurge } from './purge-executions.ts';
import { createReads } from './read-executions.ts';

/** Connections by use, so that no use waits for another. */
export interface ConnectionsByUse {
  /** For batches of writes. */
  readonly writes: Connections;
  /** For reads that a reply or a webhook request depends on. On a cluster they are causal. */
  readonly reads: Connections;
  /** For lists, changes of agents, marks of interrupted executions, and the purge. */
  readonly admin: Connections;
}

/** Makes the store of executions without `write`, which each engine has for itself. */
export function createExecutionStore(
  { writes, reads, admin }: ConnectionsByUse,
  dialect: Dialect,
): Omit<ExecutionStore, 'write'> {
  return {
    ...createReads(reads, dialect),
    ...createPendingPostCallReads(admin, dialect),
    ...createExecutionList(admin, dialect),
    ...createEndedReads(admin, dialect),
    ...createPurge(admin, dialect),
    ...createInterrupts(admin, dialect),
    ...createAbandonStart(writes, dialect),
    ...createLockedRows(reads, dialect),
  };
}
