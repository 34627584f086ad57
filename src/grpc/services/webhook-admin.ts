import type { Commands } from '../../commands/bind-commands.ts';
import { WebhookAdminService } from '../../gen/index.callhooks.v1.ts';
import { bindService, type BoundService } from '../bound-service.ts';
import { testWebhookMessage } from '../messages/test-webhook.ts';
import { webhookMessage } from '../messages/webhook.ts';
import { webhookTokens } from '../page-tokens.ts';
import { parseTestWebhook } from '../requests/test-webhook.ts';
import * as requests from '../requests/webhook-admin.ts';

/** The commands that serve `callhooks.v1.WebhookAdmin`. */
type WebhookAdminCommands = Pick<
  Commands,
  'createWebhook' | 'getWebhook' | 'listWebhooks' | 'updateWebhook' | 'deleteWebhook' | 'testWebhook'
>;

/** Returns the service `callhooks.v1.WebhookAdmin`, bound to its commands. */
export function createWebhookAdminService(commands: WebhookAdminCommands): BoundService {
  return bindService(WebhookAdminService, {
    createWebhook: async (message, context) => {
      const webhook = await commands.createWebhook(requests.parseCreateWebhook(message), context);
      context.log({ agent_uuid: webhook.agentUuid, webhook_uuid: webhook.webhookUuid });
      return { webhook: webhookMessage(webhook) };
    },
    getWebhook: async (message, { log }) => {
      const request = requests.parseGetWebhook(message);
      log({ webhook_uuid: request.webhookUuid });
      return { webhook: webhookMessage(await commands.getWebhook(request)) };
    },
    listWebhooks: async (message) => {
      const request = requests.parseListWebhooks(message);
      const { items, next } = await commands.listWebhooks(request);
      const nextPageToken = webhookTokens(request.agentUuid).write(next);
      return { webhooks: items.map(webhookMessage), nextPageToken };
    },
    updateWebhook: async (message, context) => {
      const request = requests.parseUpdateWebhook(message);
      context.log({ webhook_uuid: request.webhookUuid });
      return { webhook: webhookMessage(await commands.updateWebhook(request, context)) };
    },
    deleteWebhook: async (message, context) => {
      const request = requests.parseDeleteWebhook(message);
      context.log({ webhook_uuid: request.webhookUuid });
      await commands.deleteWebhook(request, context);
      return {};
    },
    testWebhook: async (message, context) => {
      const request = parseTestWebhook(message);
      context.log({ agent_uuid: request.agentUuid, webhook_uuid: request.webhookUuid });
      const reply = await commands.testWebhook(request, context);
      context.log({ decision: reply.decision, failure_code: reply.failure?.code });
      return testWebhookMessage(reply);
    },
  });
}
