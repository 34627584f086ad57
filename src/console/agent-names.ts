import { mayCall } from '../access/roles.ts';
import { CallhooksError } from '../errors.ts';
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
/** All live lists want names at the same moment, and admin RPCs of others must find room. */
const READS_AT_ONCE = 4;

/** Makes an empty memory of names. `now` returns milliseconds. */
export function createAgentNames(now: () => number = () => performance.now()): AgentNames {
  const known = new Map<string, { readonly name: string; readonly untilMs: number }>();
  const remember = (agentUuid: string, name: string): void => {
    const [oldest] = known.keys();
    if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    known.delete(agentUuid);
    known.set(agentUuid, { name, untilMs: now() + KNOWN_MS });
  };
  const underWay = new Map<string, Promise<void>>();
  const lanes = Array.from({ length: READS_AT_ONCE }, () => Promise.resolve());
  let count = 0;

  const readOne = async (api: ViewerApi, agentUuid: string): Promise<void> => {
    try {
      const { agent } = await api.call(AgentAdminService.getAgent, { agentUuid });
      remember(agentUuid, agent?.displayName ?? '');
    } catch (error) {
      // A list is readable without names.
      if (error instanceof CallhooksError && error.reason === 'AGENT_NOT_FOUND') remember(agentUuid, '');
    } finally {
      underWay.delete(agentUuid);
    }
  };
  const readInTurn = (api: ViewerApi, agentUuid: string): Promise<void> => {
    const earlier = underWay.get(agentUuid);
    if (earlier !== undefined) return earlier;
    const lane = (count += 1) % READS_AT_ONCE;
    const reading = (lanes[lane] ?? Promise.resolve()).then(() => readOne(api, agentUuid));
    lanes[lane] = reading;
    underWay.set(agentUuid, reading);
    return reading;
  };
  return {
    read: async ({ role }, api, agentUuids) => {
      if (!mayCall(role, AgentAdminService.getAgent.path)) return new Map();
      const wanted = [...new Set(agentUuids)];
      const unknown = wanted.filter((each) => (known.get(each)?.untilMs ?? 0) <= now());
      await Promise.all(unknown.slice(0, MAX_READ).map((agentUuid) => readInTurn(api, agentUuid)));
      return new Map(
        wanted.flatMap((each) => {
          const name = known.get(each)?.name ?? '';
          return name === '' ? [] : [[each, name] as const];
        }),
      );
    },
  };
}
