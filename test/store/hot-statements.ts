import type { Agent } from '../../src/domain/agent.ts';
import type { Value } from '../../src/store/sql/dialect.ts';
import type { AgentStore } from '../../src/store/agent-store.ts';
import type { StoreByKind } from './by-kind.ts';
import { type TestedPostCall, type TestedStart } from './samples.ts';
import { AGENT_STATEMENTS } from './hot-agent-statements.ts';
import { EXECUTION_STATEMENTS, LAST_STATEMENTS } from './hot-execution-statements.ts';
import { ENDED_STATEMENTS } from './hot-ended-statements.ts';
import { LIST_STATEMENTS } from './hot-list-statements.ts';

/** A filled database, and some rows that it has. */
export interface FilledDatabase {
  readonly executions: StoreByKind;
  readonly agents: AgentStore;
  readonly start: TestedStart;
  readonly postCall: TestedPostCall;
  readonly agent: Agent;
  /** Changes rows past the store. */
  change(sql: string, ...values: Value[]): Promise<void>;
}

/** The ways in which a statement reaches the tables, on SQLite and on a server. */
export interface WaysByEngine {
  readonly sqlite: readonly string[];
  readonly server: readonly string[];
}

/** A function of the stores that runs often, or that a caller waits for. */
export interface HotStatement {
  /** How its statements reach the tables (see `Plan`): in all of these ways, and in no other. */
  readonly ways: readonly string[] | WaysByEngine;
  /** True when it has no statement on SQLite, where no other process writes. */
  readonly isMysqlOnly?: true;
  run(database: FilledDatabase): Promise<unknown>;
}

/** Every function of the two stores, by what it does. */
export const HOT_STATEMENTS: Readonly<Record<string, HotStatement>> = {
  ...EXECUTION_STATEMENTS,
  ...LIST_STATEMENTS,
  ...ENDED_STATEMENTS,
  ...AGENT_STATEMENTS,
  ...LAST_STATEMENTS,
};
