import { MASK } from '../../domain/redaction/redact.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import type { AdminClient } from './admin-client.ts';
import { checkAgent } from './check-agent.ts';
import type { AgentFile, Problem } from './parse-agent-file.ts';
import { planAgent, type AgentPlan, type PlanRules } from './plan-agent.ts';

/** An agent of the server that no file has. */
export type ExtraAgent = Pick<pb.Agent, 'agentUuid' | 'displayName' | 'etag'>;

/** What has to be done so that a server is as its files say. */
export interface Plan {
  /** In the order of the ids of the agents. */
  readonly agents: readonly AgentPlan[];
  /** The agents to delete, in the same order. */
  readonly deletions: readonly ExtraAgent[];
  /** What the files hold that the server would refuse, as far as it can be told. */
  readonly problems: readonly Problem[];
}

/** Says what a plan is about. */
export interface PlanScope extends PlanRules {
  /** If it is given, only these agents. */
  readonly only: ReadonlySet<string> | undefined;
}

// The server runs at most 64 of these at once for all its clients.
const READS_AT_ONCE = 8;

/** Reads the agents of the files from the server and returns what has to be done. It changes nothing. */
export async function makePlan(
  client: AdminClient,
  files: readonly AgentFile[],
  scope: PlanScope,
): Promise<Plan> {
  const wanted = files.filter(({ agent }) => scope.only?.has(agent.agentUuid) ?? true);
  const problems: Problem[] = [];
  const agents = await mapAtOnce(wanted, READS_AT_ONCE, async (file) => {
    const stored = await client.getAgent(file.agent.agentUuid);
    problems.push(...maskProblems(file, stored));
    return planAgent(file, stored, scope);
  });
  const ofFiles = new Set(files.map(({ agent }) => agent.agentUuid));
  const deletions = scope.prune ? await extraAgents(client, ofFiles, scope.only) : [];
  return { agents, deletions, problems };
}

// A mask keeps a stored value, so the server has to have one, for the same origin.
function maskProblems(file: AgentFile, stored: pb.Agent | undefined): readonly Problem[] {
  const { agent, secrets } = file;
  if (!JSON.stringify(agent.webhooks).includes(MASK)) return [];
  const { violations } = checkAgent(agent, new Set(secrets.keys()), stored ?? NO_AGENT);
  return violations.map(({ field, description }) => file.problemAt(field, description));
}

const NO_AGENT = { webhooks: [] };

async function extraAgents(
  client: AdminClient,
  ofFiles: ReadonlySet<string>,
  only: ReadonlySet<string> | undefined,
): Promise<readonly ExtraAgent[]> {
  const extra: ExtraAgent[] = [];
  const add = ({ agentUuid, displayName, etag }: pb.Agent) => {
    if (!ofFiles.has(agentUuid)) extra.push({ agentUuid, displayName, etag });
  };
  if (only === undefined) for await (const agent of client.listAgents()) add(agent);
  else
    for (const agentUuid of [...only].toSorted()) {
      const agent = await client.getAgent(agentUuid);
      if (agent !== undefined) add(agent);
    }
  return extra;
}

async function mapAtOnce<T, R>(
  items: readonly T[],
  atOnce: number,
  map: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const work = async () => {
    for (const [index, item] of rest) results[index] = await map(item);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}
