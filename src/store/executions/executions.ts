import { createClaims } from './claim-post-calls.ts';
import type { Connections } from '../sql/connections.ts';
import type { Dialect } from '../sql/dialect.ts';
import { createHeldRows } from './locked-rows.ts';
import { createInserts } from './insert-executions.ts';
import { createDisown, createLabels } from './interrupt-executions.ts';
import { createExecutionList } from './list-executions.ts';
import { createPurge } from './purge-executions.ts';
import { createReads } from './read-executions.ts';
import { createOutcomes } from './record-outcomes.ts';
import type { ExecutionStore } from '../types.ts';
import { createWaiting } from './pending-post-calls.ts';

/** Connections by what they are for, so that none of these waits for another's. */
export interface ConnectionsByUse {
  /** Claims, accepts and outcomes. */
  readonly writes: Connections;
  /** Reads that a reply or an outgoing request depends on: causal on a cluster. */
  readonly reads: Connections;
  /** Lists, agents' changes, sweeps and the purge. */
  readonly admin: Connections;
}

/** The executions' store. */
export const createExecutionStore = (
  { writes, reads, admin }: ConnectionsByUse,
  dialect: Dialect,
): ExecutionStore => ({
  ...createInserts(writes, dialect),
  ...createClaims(writes, dialect),
  ...createOutcomes(writes, dialect),
  ...createReads(reads, dialect),
  ...createWaiting(admin, dialect),
  ...createExecutionList(admin, dialect),
  ...createPurge(admin, dialect),
  ...createLabels(admin, dialect),
  ...createDisown(writes, dialect),
  ...createHeldRows(reads, dialect),
});
