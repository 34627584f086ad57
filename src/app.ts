import { bindAdminCommands, type AdminDeps } from './commands/admin/admin-commands.ts';
import type { AuditLine } from './commands/admin/change-agent.ts';
import { getExecution } from './commands/get-execution.ts';
import { listExecutions } from './commands/list-executions.ts';
import { onCallEnd } from './commands/calls/on-call-end.ts';
import { onCallStart } from './commands/calls/on-call-start.ts';
import { testWebhook } from './commands/admin/test-webhook.ts';
import type { Config } from './config/config.ts';
import { createEngine, type Engine } from './engine/engine.ts';
import type { Intervals } from './engine/maintenance.ts';
import type { OnFaultPoint } from './engine/fault-points.ts';
import { createGrpcServer, type GrpcServer } from './grpc/server.ts';
import type { BoundService } from './grpc/bound-service.ts';
import { createAgentAdminService } from './grpc/services/agent-admin.ts';
import { createCallLifecycleService } from './grpc/services/call-lifecycle.ts';
import { createExecutionLogService } from './grpc/services/execution-log.ts';
import { createWebhookAdminService } from './grpc/services/webhook-admin.ts';
import { parseEgressEntries } from './http/egress/egress-entries.ts';
import { createEgressPolicy, type EgressPolicy } from './http/egress/egress-policy.ts';
import { createExecutor, type GuardedExecutor } from './http/executor.ts';
import { createResolver, type Resolve } from './http/dns/resolver.ts';
import { createIds, type Ids } from './ids.ts';
import type { Logger } from './logger.ts';
import { createMetrics, type Figures, type Metrics } from './ops/metrics.ts';
import { createOpsServer } from './ops/ops-server.ts';
import { createAgentSecrets, type AgentSecrets } from './secrets/agent-secrets.ts';
import { openKeyring } from './secrets/open-keyring.ts';
import { signStandardWebhook } from './secrets/sign.ts';
import { openMigrated, type Database } from './store/database.ts';
import { VERSION } from './version.ts';

/** A whole callhooks process, ready to listen. */
export interface App {
  /** Begins to serve; the addresses are those bound. */
  listen(): Promise<{ grpcAddress: string; opsAddress?: string }>;
  /** Refuses new calls, lets running ones end within the grace (at once: aborts them), records them, and closes. */
  close(options?: { immediately?: boolean }): Promise<void>;
}

/** What a test may put in place of a part. */
export interface AppOverrides {
  readonly logger: Logger;
  /** Returns how many log lines were dropped; absent: none ever is. */
  readonly droppedLogLines?: () => number;
  /** Looks up names instead of the system's resolver. */
  readonly resolve?: Resolve;
  /** How often each kind of maintenance is done. Absent ones are the engine's own. */
  readonly everyMs?: Partial<Intervals>;
  /** Is told of each fault point that an execution reaches. Absent: no watcher is told. */
  readonly onFaultPoint?: OnFaultPoint;
}

/**
 * Plugs the process together: settings, database, keys, egress, engine, commands, gRPC.
 * @throws ConfigError with what the operator has to mend; DatabaseError when the database can't be reached.
 */
export async function createApp(config: Config, overrides: AppOverrides): Promise<App> {
  const { databaseUrl: url, dataDir, migrate } = config;
  const database = await openMigrated({ url, dataDir, migrate, release: VERSION });
  try {
    return await assemble(config, overrides, database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

function readPolicy(config: Config, logger: Logger): EgressPolicy {
  const allow = parseEgressEntries(config.egressAllow);
  const deny = parseEgressEntries(config.egressDeny);
  for (const entry of allow.idle) logger.warn({ entry }, 'an entry of CALLHOOKS_EGRESS_ALLOW opens nothing');
  return createEgressPolicy({ allow: allow.entries, deny: deny.entries, httpsOnly: config.egressHttpsOnly });
}

interface Parts {
  readonly config: Config;
  readonly logger: Logger;
  readonly ids: Ids;
  readonly database: Database;
  readonly agentSecrets: AgentSecrets;
  readonly executor: GuardedExecutor;
  readonly onFaultPoint: OnFaultPoint;
  readonly everyMs: Partial<Intervals>;
  readonly metrics: Metrics;
}

async function assemble(
  config: Config,
  { logger, droppedLogLines = () => 0, resolve, onFaultPoint = () => undefined, everyMs = {} }: AppOverrides,
  database: Database,
): Promise<App> {
  const { dataDir, encryptionKeys: keys } = config;
  const keyring = await openKeyring({ keys, dataDir, sealed: database.sealed });
  const agentSecrets = createAgentSecrets(keyring);
  const weaknesses = await database.checkSettings();
  for (const weakness of weaknesses) logger.warn({ weakness }, 'database settings');
  const metrics = createMetrics(() => ({ ...figuresOf(engine), droppedLogLines: droppedLogLines() }), {
    isInsecure: !config.listen.isLoopback,
    hasWeakDurability: weaknesses.length > 0,
  });
  const executor = createExecutor({
    policy: readPolicy(config, logger),
    resolve: resolve ?? createResolver({ servers: config.dnsServers }),
    extraCa: config.endpointCertificates,
    onReusedConnectionFailure: metrics.countReusedConnectionFailure,
  });
  const parts: Parts = {
    ...{ config, logger, database, agentSecrets, executor, onFaultPoint, everyMs, metrics },
    ids: createIds(),
  };
  const start = createStart();
  const engine = plugEngine(parts, (isReady) => server.setServing(isReady));
  const server = createGrpcServer({
    address: config.listen.address,
    services: plugServices(parts, engine, start),
    logger,
    newRequestId: parts.ids.uuid,
    reflection: config.reflection,
    gate: engine.gate,
    onRefused: metrics.countRefused,
  });
  return toApp(parts, engine, server, start);
}

function figuresOf(engine: Engine): Omit<Figures, 'droppedLogLines'> {
  return {
    preCallsInFlight: engine.slots.inFlight(),
    postCallsInFlight: engine.postCallSender.inFlight(),
    bufferedBytes: engine.budget.reservedBytes(),
    waiting: engine.maintenance.pending(),
    overdue: engine.maintenance.overdue(),
    databaseIsThere: engine.health.isThere(),
  };
}

function plugEngine(parts: Parts, onReadiness: (isReady: boolean) => void): Engine {
  const { config, logger, ids, database, agentSecrets, executor, onFaultPoint, everyMs, metrics } = parts;
  return createEngine({
    ...{ database, executor, agentSecrets, onReadiness, onFaultPoint, everyMs },
    sign: signStandardWebhook,
    newUuid: ids.uuid,
    newSpanId: ids.spanId,
    now: Date.now,
    userAgent: `callhooks/${VERSION}`,
    instance: config.instance,
    maxResponseBytes: config.maxResponseBytes,
    sendTraceparent: config.sendTraceparent,
    limits: config,
    onExecution: (line) => {
      metrics.countExecution(line);
      logger.info(line, 'execution');
    },
    onError: onEngineError(logger),
  });
}

function onEngineError(logger: Logger) {
  return (err: unknown, executionUuid?: string): void =>
    logger.error({ err, execution_uuid: executionUuid }, 'engine');
}

/** What divides a process that is bound from one that works. */
interface Start {
  /** Lets those through that wait. */
  begin(): void;
  /** Binds a command to what it works with, so that it waits for the start. */
  before<D, Q, C, R>(
    command: (deps: D, request: Q, context: C) => Promise<R>,
    deps: D,
  ): (request: Q, context: C) => Promise<R>;
}

// The port is bound before the rows of a dead process are marked interrupted: what a call claimed meanwhile would be
// marked with them. Such calls come within milliseconds, and their time limits count from their arrival.
function createStart(): Start {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    begin: resolve,
    before: (command, deps) => async (request, context) => {
      await promise;
      return command(deps, request, context);
    },
  };
}

function plugServices(parts: Parts, engine: Engine, start: Start): readonly BoundService[] {
  const { config, logger, ids, agentSecrets, executor, onFaultPoint, metrics } = parts;
  const { checkUrl } = executor;
  const audit = ({ action, agentUuid, webhookUuid, origin, secretNames }: AuditLine): void =>
    logger.info(
      { action, agent_uuid: agentUuid, webhook_uuid: webhookUuid, origin, secret_names: secretNames },
      'audit',
    );
  const adminDeps: AdminDeps = {
    ...{ agents: engine.agentStore, agentSecrets, ids, checkUrl, audit },
    onAgentChanged: engine.agents.forget,
  };
  const deps = {
    ...engine,
    onFaultPoint,
    newUuid: ids.uuid,
    instance: config.instance,
    recordBytes: config.recordBodyBytes,
    onError: onEngineError(logger),
    onOtherDetails: ({ executionUuid }: { executionUuid: string }) => {
      metrics.countOtherDetails();
      logger.warn({ execution_uuid: executionUuid }, OTHER_DETAILS);
    },
  };
  const admin = bindAdminCommands(adminDeps);
  const testDeps = { ...deps, agents: engine.agentStore, agentSecrets, checkUrl, audit };
  return [
    createAgentAdminService(admin),
    createWebhookAdminService({ ...admin, testWebhook: start.before(testWebhook, testDeps) }),
    createCallLifecycleService({
      onCallStart: start.before(onCallStart, deps),
      onCallEnd: start.before(onCallEnd, deps),
    }),
    createExecutionLogService({
      getExecution: (request) => getExecution(deps, request),
      listExecutions: (request) => listExecutions(deps, request),
    }),
  ];
}

const OTHER_DETAILS = 'the repeated request has other call details; the recorded ones are kept';
// At the end of the grace what was aborted has 3 s to go on record, and then its answer has to reach the caller.
const LAST_ANSWERS_MS = 4_000;

function toApp(
  { config, executor, database, metrics }: Parts,
  engine: Engine,
  server: GrpcServer,
  start: Start,
): App {
  const ops = createOpsServer(metrics.page);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    server.setServing(false);
    const closed = server.close(config.shutdownGraceMs + LAST_ANSWERS_MS);
    const stopped = engine.stop(config.shutdownGraceMs);
    // Those that still wait for the start are refused now.
    start.begin();
    await stopped;
    await closed;
    await executor.close();
    await database.close();
    await ops.close();
    metrics.close();
  };
  return {
    listen: async () => {
      // Bound first: a process whose port is taken must claim and mark nothing.
      const opsAddress = config.opsListen && (await ops.listen(config.opsListen.address));
      const port = await server.listen();
      await engine.start();
      start.begin();
      server.setServing(true);
      const grpcAddress = config.listen.address.replace(/\d+$/, String(port));
      return { grpcAddress, ...(opsAddress === undefined ? {} : { opsAddress }) };
    },
    close: ({ immediately = false } = {}) => {
      closing ??= close();
      if (immediately) engine.abort();
      return closing;
    },
  };
}
