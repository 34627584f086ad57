import type { Agent } from '../domain/types.ts';
import { CallhooksError } from '../errors.ts';
import type { AdminDeps } from './admin-deps.ts';
import { auditOrigins } from './audit-origins.ts';

/** What becomes of an agent: synchronous, for it runs under the row's lock and may run again after a conflict. */
export type Decide = (current: Agent | undefined, nowMs: number) => Agent | undefined;

/**
 * Writes what `decide` makes of an agent and announces it. Gives the agent as stored, undefined when it was deleted.
 * Without a UUID (it was bad, or nobody has it) `decide` is asked as for an unknown agent, so that it refuses with
 * everything that it can tell.
 */
export async function changeAgent(
  deps: AdminDeps,
  action: string,
  agentUuid: string | undefined,
  decide: Decide,
): Promise<Agent | undefined> {
  if (agentUuid === undefined) return decide(undefined, 0);
  return announceChange(deps, action, agentUuid, async () => {
    let before: Agent | undefined;
    const after = await deps.agents.changeAgent(agentUuid, (current, nowMs) => {
      before = current;
      return decide(current, nowMs);
    });
    return { before, after };
  });
}

/** Runs a write of an agent, then tells the cache of this replica and the audit log. */
export async function announceChange(
  deps: AdminDeps,
  action: string,
  agentUuid: string,
  write: () => Promise<{ readonly before: Agent | undefined; readonly after: Agent | undefined }>,
): Promise<Agent | undefined> {
  try {
    const { before, after } = await write();
    deps.onAgentChanged(agentUuid);
    auditOrigins(deps, action, before, after);
    return after;
  } catch (error) {
    // Only a refusal is known to have changed nothing.
    if (!(error instanceof CallhooksError)) deps.onAgentChanged(agentUuid);
    throw error;
  }
}
