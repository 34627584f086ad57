import type { AdminDeps } from './admin-deps.ts';
import { createCreateAgent } from './create-agent.ts';
import { createCreateWebhook } from './create-webhook.ts';
import { createDeleteAgent } from './delete-agent.ts';
import { createDeleteWebhook } from './delete-webhook.ts';
import { createGetAgent } from './get-agent.ts';
import { createGetWebhook } from './get-webhook.ts';
import { createListAgents } from './list-agents.ts';
import { createListWebhooks } from './list-webhooks.ts';
import { createUpdateAgent } from './update-agent.ts';
import { createUpdateWebhook } from './update-webhook.ts';

/** The commands that administer agents and webhooks. */
export const createAdminCommands = (deps: AdminDeps) => ({
  createAgent: createCreateAgent(deps),
  getAgent: createGetAgent(deps),
  listAgents: createListAgents(deps),
  updateAgent: createUpdateAgent(deps),
  deleteAgent: createDeleteAgent(deps),
  createWebhook: createCreateWebhook(deps),
  getWebhook: createGetWebhook(deps),
  listWebhooks: createListWebhooks(deps),
  updateWebhook: createUpdateWebhook(deps),
  deleteWebhook: createDeleteWebhook(deps),
});
