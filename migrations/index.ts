import { agents } from './0001_agents.ts';
import { webhooks } from './0002_webhooks.ts';
import { agentSecrets } from './0003_agent_secrets.ts';
import { webhookHeaders } from './0004_webhook_headers.ts';
import { keyChecks } from './0005_key_checks.ts';
import { executions } from './0006_executions.ts';
import { executionStarts } from './0007_execution_starts.ts';
import { executionDetails } from './0008_execution_details.ts';
import { executionRecords } from './0009_execution_records.ts';
import { purgedKeys } from './0010_purged_keys.ts';
import { executionMinutes } from './0011_execution_minutes.ts';
import type { Migration } from './create-table.ts';

export type { Migration } from './create-table.ts';

/** All migrations in the order in which they are applied. */
export const MIGRATIONS: readonly Migration[] = [
  agents,
  webhooks,
  agentSecrets,
  webhookHeaders,
  keyChecks,
  executions,
  executionStarts,
  executionDetails,
  executionRecords,
  purgedKeys,
  executionMinutes,
];
