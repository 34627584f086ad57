import type { Violation } from '../../errors.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';

/** The RPCs of a server that agents as files need. Each throws {@link RefusedRpc} when the server refuses the request. */
export interface AdminClient {
  /** Returns undefined when there is no such agent. */
  getAgent(agentUuid: string): Promise<pb.Agent | undefined>;
  /** Returns all agents in the order of their ids, page by page. */
  listAgents(): AsyncIterable<pb.Agent>;
  createAgent(request: pb.CreateAgentRequest): Promise<pb.Agent>;
  updateAgent(request: pb.UpdateAgentRequest): Promise<pb.Agent>;
  deleteAgent(request: pb.DeleteAgentRequest): Promise<void>;
  deleteWebhook(request: pb.DeleteWebhookRequest): Promise<void>;
}

/** Is the error for a request that the server refuses because of what it holds, or because of what is stored. */
export class RefusedRpc extends Error {
  /** The name of a value of `ErrorReason`, without its prefix. */
  readonly reason: string;
  readonly violations: readonly Violation[];
  /** How many violations did not fit into the answer. */
  readonly unlisted: number;

  constructor(message: string, reason: string, violations: readonly Violation[] = [], unlisted = 0) {
    super(message);
    this.reason = reason;
    this.violations = violations;
    this.unlisted = unlisted;
  }
}
