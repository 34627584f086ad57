import * as pb from '../../gen/index.callhooks.v1.ts';
import { ApiError } from '../client/api-error.ts';
import { RefusedRpc, type AdminClient } from './admin-client.ts';
import type { ExtraAgent, Plan } from './make-plan.ts';
import type { AgentPlan } from './plan-agent.ts';
import { agentName } from './print-plan.ts';
import { problemLine } from './read-agent-files.ts';
import { refusalProblems, writeAgent } from './write-agent.ts';

/** What a run has done. */
export interface Written {
  readonly created: number;
  readonly changed: number;
  readonly deleted: number;
  /** How many agents the server has refused. */
  readonly refused: number;
}

/** Where a run tells what it does. */
export interface Output {
  print(text: string): void;
  say(text: string): void;
}

type Secrets = Readonly<Record<string, string>>;

/**
 * Writes a plan, one agent at a time in the order of their ids, and says after each what was done. An agent that the server
 * refuses does not keep the others from being written. Agents are deleted last, and only when nothing was refused.
 * @throws what the client throws when the server gives no answer; then it has said what was not written
 */
export async function applyPlan(
  client: AdminClient,
  plan: Plan,
  secretsOf: ReadonlyMap<AgentPlan, Secrets>,
  output: Output,
): Promise<Written> {
  const count = { created: 0, changed: 0, deleted: 0, refused: 0 };
  const todo = plan.agents.filter(({ kind }) => kind !== 'none');
  for (const [index, agent] of todo.entries()) {
    const wasWritten = await orSayWhatIsLeft(output, [...todo.slice(index), ...plan.deletions], () =>
      writeOne(client, agent, secretsOf.get(agent) ?? {}, output),
    );
    if (!wasWritten) count.refused += 1;
    else if (agent.kind === 'create') count.created += 1;
    else count.changed += 1;
  }
  if (count.refused > 0) {
    if (plan.deletions.length > 0) output.say('No agent was deleted, because others were refused.\n');
    return count;
  }
  for (const [index, agent] of plan.deletions.entries()) {
    const wasDeleted = await orSayWhatIsLeft(output, plan.deletions.slice(index), () =>
      deleteOne(client, agent, output),
    );
    if (wasDeleted) count.deleted += 1;
    else count.refused += 1;
  }
  return count;
}

async function writeOne(
  client: AdminClient,
  plan: AgentPlan,
  secrets: Secrets,
  output: Output,
): Promise<boolean> {
  const name = agentName(plan.file.agent);
  try {
    const unlike = await writeAgent(client, plan, secrets);
    output.print(`${plan.kind === 'create' ? 'created' : 'changed'} ${name}\n`);
    for (const { field } of unlike)
      output.say(`  the server has ${field} otherwise than the file: it may be of another version\n`);
    return true;
  } catch (error) {
    if (!(error instanceof RefusedRpc)) throw error;
    output.say(`refused ${name}\n`);
    for (const problem of refusalProblems(plan, error)) output.say(`  ${problemLine(problem)}\n`);
    return false;
  }
}

async function deleteOne(client: AdminClient, agent: ExtraAgent, output: Output): Promise<boolean> {
  const { agentUuid, etag } = agent;
  try {
    await client.deleteAgent(pb.DeleteAgentRequest.fromPartial({ agentUuid, etag }));
    output.print(`deleted ${agentName(agent)}\n`);
    return true;
  } catch (error) {
    if (!(error instanceof RefusedRpc)) throw error;
    // Somebody else has deleted it.
    if (error.reason === 'AGENT_NOT_FOUND') return true;
    const problem =
      error.reason === 'ETAG_MISMATCH'
        ? 'somebody else has changed it since it was read: run the command again'
        : error.message;
    output.say(`refused to delete ${agentName(agent)}: ${problem}\n`);
    return false;
  }
}

const BEFORE_ALL_WRITES = new Set([
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'UNIMPLEMENTED',
]);

function wroteNothing(error: unknown): boolean {
  return error instanceof ApiError && BEFORE_ALL_WRITES.has(error.refusal.status);
}

async function orSayWhatIsLeft<T>(
  { say }: Output,
  left: readonly (AgentPlan | ExtraAgent)[],
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const names = left.map((one) => agentName('file' in one ? one.file.agent : one));
    if (!wroteNothing(error)) say(`It is not known whether this was written: ${names.shift()}\n`);
    if (names.length > 0) say(`Not written:\n${names.map((name) => `  ${name}\n`).join('')}`);
    say('Run the command again: it goes on where this one stopped.\n');
    throw error;
  }
}
