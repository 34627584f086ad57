import { createTable, type Migration } from './create-table.ts';

/**
 * The table of executions. Large parts are in tables of their own, so that a claim or an outcome rewrites little.
 * `state_at` is the time that matters in a state: when an accepted execution was accepted, when a sending one is overdue, when
 * a finished one finished. So one index finds the overdue, counts the pending and leads the purge.
 * `decision` is what was decided about the call of a finished pre-call.
 * `waiting_webhook_uuid` is set while a post-call is pending, so that its index stays small however many are finished.
 */
export const executions: Migration = {
  name: '0006_executions',
  summary: 'Makes the table of executions, with its indexes.',
  oldestRelease: '0.1.0',
  statements: createTable({
    name: 'executions',
    columns: {
      execution_uuid: 'uuid',
      conversation_uuid: 'uuid',
      webhook_type: 'code',
      state: 'code',
      state_at: 'instant',
      accepted_at: 'instant',
      sending_at: 'instant?',
      agent_uuid: 'uuid',
      webhook_uuid: 'uuid?',
      waiting_webhook_uuid: 'uuid?',
      claim: 'uuid?',
      webhook_etag: 'word',
      failure_policy: 'code?',
      failure_code: 'code?',
      failure_sent: 'code?',
      decision: 'code?',
      time_limit_ms: 'ms?',
      time_limit_source: 'code?',
      instance: 'word',
      detail: 'text?',
    },
    primaryKey: ['execution_uuid'],
    unique: { executions_by_conversation: ['conversation_uuid', 'webhook_type'] },
    indexes: {
      executions_by_state: { columns: ['state', 'state_at'] },
      executions_waiting: { columns: ['waiting_webhook_uuid', 'accepted_at'], partial: true },
      executions_by_agent: { columns: ['agent_uuid', 'accepted_at'] },
      executions_by_time: { columns: ['accepted_at'] },
    },
  }),
};
