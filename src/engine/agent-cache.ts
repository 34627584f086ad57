import type { Agent } from '../domain/types.ts';
import type { AgentStore } from '../store/types.ts';

/** Agents as this replica knows them: at most one second old, and never the source of a "not found". */
export interface AgentCache {
  /** The agent, from memory where it is fresh. */
  read(agentUuid: string): Promise<Agent | undefined>;
  /** The agent from the database. */
  readFresh(agentUuid: string): Promise<Agent | undefined>;
  /** Drops what is known of an agent: this replica changed it. */
  forget(agentUuid: string): void;
}

interface Entry {
  readonly agent: Agent;
  readonly bytes: number;
  readonly readAtMs: number;
}

const FRESH_FOR_MS = 900;

/** Makes a cache that holds at most about `maxBytes`; what was read longest ago leaves first. `now` is monotonic. */
export const createAgentCache = (
  agents: Pick<AgentStore, 'findAgent'>,
  maxBytes: number,
  now: () => number = () => performance.now(),
): AgentCache => {
  const entries = new Map<string, Entry>();
  const reading = new Map<string, Promise<Agent | undefined>>();
  let bytes = 0;

  const forget = (agentUuid: string): void => {
    // A read under way may have seen the state before the change: what it finds is not kept.
    reading.delete(agentUuid);
    bytes -= entries.get(agentUuid)?.bytes ?? 0;
    entries.delete(agentUuid);
  };
  const keep = (agent: Agent, readAtMs: number): void => {
    forget(agent.agentUuid);
    const entry = { agent, bytes: roughBytes(agent), readAtMs };
    entries.set(agent.agentUuid, entry);
    bytes += entry.bytes;
    for (const oldest of entries.keys()) {
      if (bytes <= maxBytes) return;
      forget(oldest);
    }
  };
  const readFresh = (agentUuid: string): Promise<Agent | undefined> => {
    const readAtMs = now();
    const read = agents.findAgent(agentUuid).then((agent) => {
      if (reading.get(agentUuid) !== read) return agent;
      if (agent === undefined) forget(agentUuid);
      else keep(agent, readAtMs);
      return agent;
    });
    reading.set(agentUuid, read);
    const clear = (): void => {
      if (reading.get(agentUuid) === read) reading.delete(agentUuid);
    };
    read.then(clear, clear);
    return read;
  };

  return {
    read: (agentUuid) => {
      const entry = entries.get(agentUuid);
      if (entry !== undefined && now() - entry.readAtMs < FRESH_FOR_MS) {
        return Promise.resolve(entry.agent);
      }
      return reading.get(agentUuid) ?? readFresh(agentUuid);
    },
    readFresh,
    forget,
  };
};

const roughBytes = (agent: Agent): number => 2 * JSON.stringify(agent).length + 1_000;
