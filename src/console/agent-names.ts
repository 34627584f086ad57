import { mayCall } from '../access/roles.ts';
import { AgentAdminService } from '../gen/index.callhooks.v1.ts';
import type { Viewer, ViewerApi } from './viewer.ts';

/** Knows the display names of agents for a short time, so that lists need not read the same agents again and again. */
export interface AgentNames {
  /**
   * Returns the display names of agents by their ids. It leaves out those that have none, that were deleted, that the viewer
   * may not read, and those beyond the first 20 that it has to look up.
   */
  read(viewer: Viewer, api: ViewerApi, agentUuids: Iterable<string>): Promise<ReadonlyMap<string, string>>;
}

const MAX_READ = 20;
const MAX_KNOWN = 1_000;
const KNOWN_MS = 30_000;

/** Makes an empty memory of names. `now` returns milliseconds. */
export function createAgentNames(now: () => number = () => performance.now()): AgentNames {
  const known = new Map<string, { readonly name: string; readonly untilMs: number }>();
  const remember = (agentUuid: string, name: string): void => {
    const [oldest] = known.keys();
    if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    known.delete(agentUuid);
    known.set(agentUuid, { name, untilMs: now() + KNOWN_MS });
  };
  const readOne = async (api: ViewerApi, agentUuid: string): Promise<void> => {
    // An agent that is gone has no name, and a list is readable without names.
    const reply = await api.call(AgentAdminService.getAgent, { agentUuid }).catch(() => undefined);
    remember(agentUuid, reply?.agent?.displayName ?? '');
  };
  return {
    read: async ({ role }, api, agentUuids) => {
      if (!mayCall(role, AgentAdminService.getAgent.path)) return new Map();
      const wanted = [...new Set(agentUuids)];
      const unknown = wanted.filter((each) => (known.get(each)?.untilMs ?? 0) <= now());
      await Promise.all(unknown.slice(0, MAX_READ).map((agentUuid) => readOne(api, agentUuid)));
      return new Map(
        wanted.flatMap((each) => {
          const name = known.get(each)?.name ?? '';
          return name === '' ? [] : [[each, name] as const];
        }),
      );
    },
  };
}
