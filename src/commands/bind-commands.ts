import type { Engine } from '../engine/engine.ts';
import type { OnFaultPoint } from '../engine/fault-points.ts';
import type { Startup } from '../engine/startup.ts';
import type { Logger } from '../logger.ts';
import { bindAdminCommands, type AdminDeps } from './admin/admin-commands.ts';
import { createAuditLog } from './admin/audit-log.ts';
import { testWebhook } from './admin/test-webhook.ts';
import { onCallEnd } from './calls/on-call-end.ts';
import { onCallStart } from './calls/on-call-start.ts';
import { getExecution, type GetExecutionRequest } from './get-execution.ts';
import { overview, type Overview } from './overview.ts';
import { listExecutions, type ListExecutionsRequest } from './list-executions.ts';
import { watchExecutions, type WatchExecutionsRequest } from './watch-executions.ts';

/** Holds what the commands work with. */
interface CommandDeps extends Pick<
  AdminDeps,
  'agentSecrets' | 'ids' | 'checkUrl' | 'checkClientCertificate'
> {
  readonly engine: Engine;
  /** Makes calls wait until the engine has started. */
  readonly startup: Startup;
  readonly logger: Logger;
  /** The name of this replica in executions. */
  readonly instance: string;
  /** How many bytes of each body an execution records. */
  readonly recordBytes: number;
  readonly countOtherDetails: () => void;
  readonly onFaultPoint: OnFaultPoint;
  /** Logs an error that no caller hears of. */
  readonly onError: (error: unknown, executionUuid?: string) => void;
}

/** All commands, bound to what they work with. Each one takes a parsed request, and knows nothing of who asks by which way. */
export type Commands = ReturnType<typeof bindCommands>;

/** Binds the commands to what they work with. */
export function bindCommands(deps: CommandDeps) {
  const { figures, parts } = deps.engine;
  const { store, minutes, endedExecutions } = parts;
  return {
    ...bindAgentCommands(deps),
    ...bindCallCommands(deps),
    getExecution: (request: GetExecutionRequest) => getExecution({ store }, request),
    listExecutions: (request: ListExecutionsRequest) => listExecutions({ store }, request),
    overview: (): Promise<Overview> => overview({ minutes, figures }),
    watchExecutions: (request: WatchExecutionsRequest, context: { readonly signal: AbortSignal }) =>
      watchExecutions({ endedExecutions }, request, context),
  };
}

function bindAgentCommands(deps: CommandDeps) {
  const { agentSecrets, ids, checkUrl, checkClientCertificate, startup, logger } = deps;
  const { gate, parts } = deps.engine;
  const { agentStore: agents, store, admission, slots, webhookRuns, open, signal } = parts;
  const audit = createAuditLog(logger);
  const admin = { agents, agentSecrets, checkUrl, checkClientCertificate, audit };
  const testDeps = { ...admin, newUuid: ids.uuid, store, admission, gate, slots, webhookRuns, open, signal };
  return {
    ...bindAdminCommands({ ...admin, ids, onAgentChanged: parts.agents.forget }),
    testWebhook: startup.after(testWebhook, testDeps),
  };
}

function bindCallCommands(deps: CommandDeps) {
  const { engine, startup, logger, ids, instance, recordBytes, countOtherDetails, onFaultPoint, onError } =
    deps;
  const { store, agents, admission, health, ...parts } = engine.parts;
  const callDeps = {
    ...{ store, agents, admission, health, newUuid: ids.uuid, instance },
    onOtherDetails: ({ executionUuid }: { executionUuid: string }): void => {
      countOtherDetails();
      logger.warn({ execution_uuid: executionUuid }, OTHER_DETAILS);
    },
  };
  const { slots, preCalls, startWaiters, webhookRuns, open, signal } = parts;
  const startDeps = {
    ...{ ...callDeps, slots, preCalls, startWaiters, webhookRuns, open, signal },
    ...{ onError, recordBytes },
  };
  const { writes, postCallSender, maintenance } = parts;
  return {
    onCallStart: startup.after(onCallStart, startDeps),
    onCallEnd: startup.after(onCallEnd, { ...callDeps, writes, postCallSender, maintenance, onFaultPoint }),
  };
}

const OTHER_DETAILS = 'the repeated request has other call details; the recorded ones are kept';
