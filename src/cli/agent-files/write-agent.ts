import type { JsonObject } from '../../domain/json.ts';
import { sameJson } from '../../domain/json.ts';
import * as pb from '../../gen/index.callhooks.v1.ts';
import { RefusedRpc, type AdminClient } from './admin-client.ts';
import { compareDocuments, type FieldChange } from './compare.ts';
import type { AgentFile, Problem } from './parse-agent-file.ts';
import type { AgentPlan } from './plan-agent.ts';
import { toDocument } from './to-document.ts';

/**
 * Writes what differs of one agent. Returns the fields that the server nevertheless has otherwise than the file, as a server
 * of another version may.
 * @throws RefusedRpc, also for an agent that somebody else has changed since it was read
 */
export async function writeAgent(
  client: AdminClient,
  plan: AgentPlan,
  secrets: Readonly<Record<string, string>>,
): Promise<readonly FieldChange[]> {
  const { file, stored } = plan;
  const written =
    stored === undefined
      ? await client.createAgent(pb.CreateAgentRequest.fromPartial({ agent: file.agent, secrets }))
      : await changeAgent(client, plan, stored, secrets);
  const types = new Set(file.agent.webhooks.map(({ webhookType }) => webhookType));
  const webhooks = written.webhooks.filter(({ webhookType }) => types.has(webhookType));
  return compareDocuments(toDocument({ ...written, webhooks }), toDocument(file.agent));
}

async function changeAgent(
  client: AdminClient,
  plan: AgentPlan,
  stored: pb.Agent,
  secrets: Readonly<Record<string, string>>,
): Promise<pb.Agent> {
  const { agentUuid } = stored;
  const current = await removeWebhooks(client, plan, stored);
  const { mask, removedSecrets: removeSecrets } = plan;
  if (mask.length + removeSecrets.length + Object.keys(secrets).length === 0) return current;
  const { displayName, dynamicVariables } = plan.file.agent;
  const webhooks = [...plan.webhooks.values()];
  const agent = { agentUuid, etag: current.etag, displayName, dynamicVariables, webhooks };
  const request = { agent, updateMask: [...mask], secrets, removeSecrets: [...removeSecrets] };
  return client.updateAgent(pb.UpdateAgentRequest.fromPartial(request));
}

// Webhooks go first, because a variable or a secret that one of them uses can't be removed before. Each deletion changes the
// etag of the agent, so the agent is read again.
async function removeWebhooks(client: AdminClient, plan: AgentPlan, stored: pb.Agent): Promise<pb.Agent> {
  if (plan.removedWebhooks.length === 0) return stored;
  const { agentUuid } = stored;
  for (const { webhookUuid, etag } of plan.removedWebhooks)
    await client.deleteWebhook(pb.DeleteWebhookRequest.fromPartial({ webhookUuid, agentUuid, etag }));
  const removed = new Set(plan.removedWebhooks.map(({ webhookUuid }) => webhookUuid));
  const current = await client.getAgent(agentUuid);
  const expected = {
    ...stored,
    webhooks: stored.webhooks.filter(({ webhookUuid }) => !removed.has(webhookUuid)),
  };
  if (current === undefined || !sameJson(revisionOf(current), revisionOf(expected)))
    throw new RefusedRpc('somebody else has changed the agent in the meantime', 'ETAG_MISMATCH');
  return current;
}

// Everything that somebody else may have changed, without the etag of the agent.
function revisionOf(agent: pb.Agent): JsonObject {
  const webhooks = agent.webhooks.map(({ webhookUuid, etag }) => `${webhookUuid} ${etag}`).toSorted();
  return { document: toDocument(agent), webhooks, secrets: agent.secretNames.toSorted() };
}

/** Returns why the server has refused an agent, at the places of its file. */
export function refusalProblems(plan: AgentPlan, refused: RefusedRpc): readonly Problem[] {
  const { file } = plan;
  const { violations, unlisted } = refused;
  if (violations.length === 0) return [wholeAgent(file, textOf(refused))];
  const problems = violations.map(({ field, description }) =>
    file.problemAt(fileField(field, plan), description),
  );
  if (unlisted > 0)
    problems.push(wholeAgent(file, `and ${unlisted} more, which did not fit into the answer`));
  return problems;
}

// What the server says when the agent is no more as it was read.
const OVERTAKEN = new Set(['ETAG_MISMATCH', 'AGENT_EXISTS', 'AGENT_NOT_FOUND', 'WEBHOOK_NOT_FOUND']);

function textOf({ reason, message }: RefusedRpc): string {
  return OVERTAKEN.has(reason)
    ? 'somebody else has changed this agent since it was read, and that change was kept: run the command again'
    : message;
}

function wholeAgent(file: AgentFile, text: string): Problem {
  return { ...file.problemAt('agent.agent_uuid', text), field: '' };
}

/** Returns a path of a request as one of the file: the request has the webhooks that differ, and secrets in a map. */
function fileField(field: string, { webhooks, kind }: AgentPlan): string {
  const [, name] = /^secrets\[(.+)\]$/.exec(field) ?? [];
  if (name !== undefined) return `secrets.${name}`;
  if (kind === 'create') return field;
  const indices = [...webhooks.keys()];
  return field.replace(/^agent\.webhooks\[(\d+)\]/, (whole, index) => {
    const inFile = indices[Number(index)];
    return inFile === undefined ? whole : `agent.webhooks[${inFile}]`;
  });
}
