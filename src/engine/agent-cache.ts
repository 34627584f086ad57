import type { Agent } from '../domain/agent.ts';
import type { AgentStore } from '../store/agent-store.ts';

/** Keeps the agents that this replica has read, for less than a second. It never answers that an agent does not exist. */
export interface AgentCache {
  /** Returns the agent, from memory if it was read within the last 900 ms. */
  read(agentUuid: string): Promise<Agent | undefined>;
  /** Returns the agent from the database. */
  readFresh(agentUuid: string): Promise<Agent | undefined>;
  /** Drops an agent that this replica has changed. */
  forget(agentUuid: string): void;
}

interface Entry {
  readonly agent: Agent;
  readonly bytes: number;
  readonly readAtMs: number;
}

/** The reads of an agent that are under way and began after this replica last changed it. */
interface Reads {
  latest: Promise<Agent | undefined>;
  count: number;
}

const FRESH_FOR_MS = 900;

/** Makes a cache of about `maxBytes` at most. The agent that was read longest ago leaves first. `now` is monotonic. */
export function createAgentCache(
  agents: Pick<AgentStore, 'findAgent'>,
  maxBytes: number,
  now: () => number = () => performance.now(),
): AgentCache {
  const entries = new Map<string, Entry>();
  const reading = new Map<string, Reads>();
  let bytes = 0;

  const drop = (agentUuid: string): void => {
    bytes -= entries.get(agentUuid)?.bytes ?? 0;
    entries.delete(agentUuid);
  };
  const keep = (agent: Agent, readAtMs: number): void => {
    const known = entries.get(agent.agentUuid);
    const isSame = known?.agent.etag === agent.etag;
    const entry = { agent, bytes: isSame ? known.bytes : roughBytes(agent), readAtMs };
    drop(agent.agentUuid);
    entries.set(agent.agentUuid, entry);
    bytes += entry.bytes;
    for (const oldest of entries.keys()) {
      if (bytes <= maxBytes) return;
      drop(oldest);
    }
  };
  // Reads that overlap may end in any order. The one that began last has the newest state.
  const note = (agentUuid: string, agent: Agent | undefined, readAtMs: number): void => {
    const entry = entries.get(agentUuid);
    if (entry !== undefined && entry.readAtMs > readAtMs) return;
    if (agent === undefined) drop(agentUuid);
    else keep(agent, readAtMs);
  };
  const readFresh = (agentUuid: string): Promise<Agent | undefined> => {
    const readAtMs = now();
    const found = agents.findAgent(agentUuid);
    const reads = reading.get(agentUuid) ?? { latest: found, count: 0 };
    // A change takes these reads out: a read that began before it may have found the old state, and is not kept.
    const isCurrent = (): boolean => reading.get(agentUuid) === reads;
    const read = found
      .then((agent) => {
        if (isCurrent()) note(agentUuid, agent, readAtMs);
        return agent;
      })
      .finally(() => {
        reads.count -= 1;
        if (reads.count === 0 && isCurrent()) reading.delete(agentUuid);
      });
    reads.count += 1;
    reads.latest = read;
    reading.set(agentUuid, reads);
    return read;
  };

  return {
    read: (agentUuid) => {
      const entry = entries.get(agentUuid);
      if (entry !== undefined && now() - entry.readAtMs < FRESH_FOR_MS) {
        return Promise.resolve(entry.agent);
      }
      return reading.get(agentUuid)?.latest ?? readFresh(agentUuid);
    },
    readFresh,
    forget: (agentUuid) => {
      reading.delete(agentUuid);
      drop(agentUuid);
    },
  };
}

const ENTRY_BYTES = 1_000;
const VALUE_BYTES = 16;

function roughBytes(agent: Agent): number {
  return ENTRY_BYTES + bytesOf(agent);
}

// Adds up lengths: writing a large agent as JSON would cost milliseconds at every read.
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return VALUE_BYTES + 2 * value.length;
  if (typeof value !== 'object' || value === null) return VALUE_BYTES;
  let bytes = 2 * VALUE_BYTES;
  if (Array.isArray(value)) {
    for (const item of value) bytes += bytesOf(item);
    return bytes;
  }
  for (const [key, item] of Object.entries(value)) bytes += VALUE_BYTES + 2 * key.length + bytesOf(item);
  return bytes;
}
