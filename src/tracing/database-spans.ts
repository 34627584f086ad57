import { SpanKind } from '@opentelemetry/api';
import type { ExecutionWrites } from '../engine/writes/execution-writes.ts';
import type { AgentStore } from '../store/agent-store.ts';
import type { ExecutionStore } from '../store/execution-store.ts';
import { failSpan, type Spans } from './spans.ts';

type Operation = readonly [
  operation: 'INSERT' | 'SELECT' | 'UPDATE',
  collection: 'agents' | 'executions' | 'webhooks',
];
type Name = keyof ExecutionStore | keyof AgentStore | keyof ExecutionWrites;

// The operations that RPCs and executions wait for. Writes share transactions, so the span of a write begins when it is
// handed over and ends when its transaction is committed. Polls and maintenance belong to no trace.
const OPERATIONS: Readonly<Partial<Record<Name, Operation>>> = {
  insertStart: ['INSERT', 'executions'],
  insertPostCall: ['INSERT', 'executions'],
  recordOutcome: ['UPDATE', 'executions'],
  findConversation: ['SELECT', 'executions'],
  findStart: ['SELECT', 'executions'],
  findPostCall: ['SELECT', 'executions'],
  findDetails: ['SELECT', 'executions'],
  findExecution: ['SELECT', 'executions'],
  isSending: ['SELECT', 'executions'],
  listExecutions: ['SELECT', 'executions'],
  findAgent: ['SELECT', 'agents'],
  findAgentOfWebhook: ['SELECT', 'agents'],
  readForChange: ['SELECT', 'agents'],
  listAgents: ['SELECT', 'agents'],
  listWebhooks: ['SELECT', 'webhooks'],
  insertAgent: ['INSERT', 'agents'],
  replaceAgent: ['UPDATE', 'agents'],
};

type Statement = (...values: readonly unknown[]) => Promise<unknown>;

/** Makes the spans of database operations. `system` is the value of `db.system.name`. */
export function createDatabaseSpans(spans: Spans, system: string) {
  const start = ([operation, collection]: Operation, statement: string, startedAtMs?: number) =>
    spans.start(`${operation} ${collection}`, {
      kind: SpanKind.CLIENT,
      attributes: {
        'db.system.name': system,
        'db.operation.name': operation,
        'db.collection.name': collection,
        'callhooks.statement': statement,
      },
      ...(startedAtMs === undefined ? {} : { startedAtMs }),
    });

  const traced = (name: string, operation: Operation, statement: Statement): Statement =>
    async function runInSpan(...values) {
      if (spans.current() === undefined) return statement(...values);
      const span = start(operation, name);
      try {
        return await statement(...values);
      } catch (error) {
        failSpan(span, kindOf(error));
        throw error;
      } finally {
        span.end();
      }
    };

  return {
    /** Returns the same functions, each with a span where the current span waits for a known operation. */
    wrap: <T extends object>(statements: T): T => {
      const entries = Object.entries<Statement>(statements as Record<string, Statement>).map(
        ([name, statement]) => {
          const operation = OPERATIONS[name as Name];
          return [name, operation === undefined ? statement : traced(name, operation, statement)];
        },
      );
      return Object.fromEntries(entries) as T;
    },
    /** Makes the span of a claim that has ended now. */
    claimed: (startedAtMs: number): void =>
      start(['UPDATE', 'executions'], 'claimPostCall', startedAtMs).end(),
  };
}

function kindOf(error: unknown): string {
  const kind = error instanceof Error && 'kind' in error ? error.kind : undefined;
  return typeof kind === 'string' ? kind : '_OTHER';
}
