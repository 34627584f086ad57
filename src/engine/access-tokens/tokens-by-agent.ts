import { createMasker, type Masker } from '../../domain/redaction/redact.ts';

/** Knows which access tokens are kept for which agent, so that all records of the agent mask them. */
export interface TokensByAgent {
  add(agentUuid: string, token: TokenValue): void;
  remove(agentUuid: string, token: TokenValue): void;
  /** Returns what masks all tokens of an agent, or undefined when it has none. */
  maskOf(agentUuid: string): Masker | undefined;
}

interface TokenValue {
  readonly value: string;
}

interface AgentTokens {
  // Two tokens may have the same value: some token endpoints answer with one that they have issued before.
  readonly tokens: Set<TokenValue>;
  mask: Masker | undefined;
}

/** Makes an empty collection. A masker is made anew only after the tokens of its agent have changed. */
export function createTokensByAgent(): TokensByAgent {
  const agents = new Map<string, AgentTokens>();
  return {
    add: (agentUuid, token) => {
      const agent = agents.get(agentUuid) ?? { tokens: new Set(), mask: undefined };
      agents.set(agentUuid, agent);
      agent.tokens.add(token);
      agent.mask = undefined;
    },
    remove: (agentUuid, token) => {
      const agent = agents.get(agentUuid);
      if (agent === undefined) return;
      agent.tokens.delete(token);
      agent.mask = undefined;
      if (agent.tokens.size === 0) agents.delete(agentUuid);
    },
    maskOf: (agentUuid) => {
      const agent = agents.get(agentUuid);
      if (agent === undefined) return undefined;
      agent.mask ??= createMasker(
        Array.from(agent.tokens, ({ value }) => value),
        [],
      );
      return agent.mask;
    },
  };
}
