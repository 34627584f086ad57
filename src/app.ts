import { createAdminCommands } from './commands/admin-commands.ts';
import type { AdminDeps, AuditLine } from './commands/admin-deps.ts';
import { createGetExecution } from './commands/get-execution.ts';
import { createListExecutions } from './commands/list-executions.ts';
import { createOnCallEnd } from './commands/on-call-end.ts';
import { createOnCallStart } from './commands/on-call-start.ts';
import { createTestWebhook } from './commands/test-webhook.ts';
import type { Config } from './config.ts';
import { createEngine, type Engine } from './engine/engine.ts';
import type { OnStep } from './engine/steps.ts';
import { ConfigError } from './errors.ts';
import { createGrpcServer, type GrpcServer } from './grpc/server.ts';
import type { BoundService } from './grpc/bound-service.ts';
import { createAgentAdminService } from './grpc/services/agent-admin.ts';
import { createCallLifecycleService } from './grpc/services/call-lifecycle.ts';
import { createExecutionLogService } from './grpc/services/execution-log.ts';
import { createWebhookAdminService } from './grpc/services/webhook-admin.ts';
import { parseEgressEntries } from './http/egress-entries.ts';
import { createEgressPolicy, type EgressPolicy } from './http/egress-policy.ts';
import { createExecutor, type GuardedExecutor } from './http/executor.ts';
import { createResolver, type Resolve } from './http/resolver.ts';
import { createIds, type Ids } from './ids.ts';
import type { Logger } from './logger.ts';
import type { Keyring } from './secrets/types.ts';
import { openKeyring } from './secrets/open-keyring.ts';
import { signStandardWebhook } from './secrets/sign.ts';
import { openDatabase } from './store/database.ts';
import type { Database } from './store/types.ts';
import { VERSION } from './version.ts';

/** A whole callhooks process, ready to listen. */
export interface App {
  /** Begins to serve; the address is the one bound. */
  listen(): Promise<{ grpcAddress: string }>;
  /** Refuses new calls, lets running ones end within the grace (at once: aborts them), records them, and closes. */
  close(options?: { immediately?: boolean }): Promise<void>;
}

/** What a test may put in place of a part. */
export interface AppOverrides {
  readonly logger: Logger;
  /** Looks up names instead of the system's resolver. */
  readonly resolve?: Resolve;
  /** Is told of each step of each execution; absent: nobody is. */
  readonly onStep?: OnStep;
}

/**
 * Plugs the process together: settings, database, keys, egress, engine, commands, gRPC.
 * @throws ConfigError with what the operator has to mend; DatabaseError when the database can't be reached.
 */
export const createApp = async (config: Config, overrides: AppOverrides): Promise<App> => {
  const { logger } = overrides;
  const policy = readPolicy(config, logger);
  const database = await openMigrated(config, logger);
  try {
    return await assemble(config, overrides, policy, database);
  } catch (error) {
    await database.close();
    throw error;
  }
};

const readPolicy = (config: Config, logger: Logger): EgressPolicy => {
  const lists = {
    CALLHOOKS_EGRESS_ALLOW: parseEgressEntries(config.egressAllow),
    CALLHOOKS_EGRESS_DENY: parseEgressEntries(config.egressDeny),
  };
  const problems = Object.entries(lists).flatMap(([name, list]) =>
    list.problems.map((it) => `${name}: ${it}`),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  const { CALLHOOKS_EGRESS_ALLOW: allow, CALLHOOKS_EGRESS_DENY: deny } = lists;
  for (const entry of allow.idle) logger.warn({ entry }, 'an entry of CALLHOOKS_EGRESS_ALLOW opens nothing');
  return createEgressPolicy({ allow: allow.entries, deny: deny.entries, httpsOnly: config.egressHttpsOnly });
};

const openMigrated = async (config: Config, logger: Logger): Promise<Database> => {
  const database = await openDatabase({ url: config.databaseUrl, dataDir: config.dataDir });
  try {
    if (config.databaseUrl === undefined || config.migrate) await database.migrate();
    const pending = await database.pendingMigrations();
    if (pending.length > 0) {
      throw new ConfigError([
        `the database lacks ${pending.length} migrations (${pending.join(', ')}): ` +
          'run "callhooks migrate", or set CALLHOOKS_MIGRATE=true',
      ]);
    }
    for (const weakness of await database.checkSettings()) logger.warn({ weakness }, 'database settings');
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
};

interface Parts {
  readonly config: Config;
  readonly logger: Logger;
  readonly ids: Ids;
  readonly database: Database;
  readonly keyring: Keyring;
  readonly executor: GuardedExecutor;
  readonly onStep: OnStep;
}

const assemble = async (
  config: Config,
  { logger, resolve, onStep = () => undefined }: AppOverrides,
  policy: EgressPolicy,
  database: Database,
): Promise<App> => {
  const keyring = await openKeyring({
    keys: config.encryptionKeys,
    dataDir: config.dataDir,
    sealed: database.sealed,
  });
  const executor = createExecutor({
    policy,
    resolve: resolve ?? createResolver({ servers: config.dnsServers }),
    extraCa: config.endpointCertificates,
    onReusedConnectionFailure: () => logger.warn({}, 'a reused connection broke before its response'),
  });
  const parts: Parts = { config, logger, ids: createIds(), database, keyring, executor, onStep };
  const engine = plugEngine(parts, (isReady) => server.setServing(isReady));
  const server = createGrpcServer({
    address: config.listen.address,
    services: plugServices(parts, engine),
    logger,
    newRequestId: parts.ids.uuid,
    reflection: config.reflection,
  });
  return toApp(parts, engine, server);
};

const plugEngine = (parts: Parts, onReadiness: (isReady: boolean) => void): Engine => {
  const { config, logger, ids, database, keyring, executor, onStep } = parts;
  return createEngine({
    ...{ database, executor, keyring, onReadiness, onStep },
    sign: signStandardWebhook,
    newUuid: ids.uuid,
    newSpanId: ids.spanId,
    now: Date.now,
    userAgent: `callhooks/${VERSION}`,
    instance: config.instance,
    maxResponseBytes: config.maxResponseBytes,
    sendTraceparent: config.sendTraceparent,
    limits: toLimits(config),
    onExecution: (line) => logger.info(line, 'execution'),
    onError: (err, executionUuid) => logger.error({ err, execution_uuid: executionUuid }, 'engine'),
  });
};

const plugServices = (parts: Parts, engine: Engine): readonly BoundService[] => {
  const { config, logger, ids, keyring, executor, onStep } = parts;
  const { judgeUrl } = executor;
  const audit = (line: AuditLine): void => logger.info({ ...line }, 'audit');
  const adminDeps: AdminDeps = {
    ...{ agents: engine.agentStore, keyring, ids, judgeUrl, audit },
    onAgentChanged: engine.agents.forget,
  };
  const deps = {
    ...engine,
    onStep,
    newUuid: ids.uuid,
    instance: config.instance,
    recordBytes: config.recordBodyBytes,
    onOtherFacts: ({ executionUuid }: { executionUuid: string }) =>
      logger.warn(
        { execution_uuid: executionUuid },
        'a repeated start brought other facts; the first ones stand',
      ),
  };
  const admin = createAdminCommands(adminDeps);
  const testWebhook = createTestWebhook({ ...deps, agents: engine.agentStore, keyring, judgeUrl, audit });
  return [
    createAgentAdminService(admin),
    createWebhookAdminService({ ...admin, testWebhook }),
    createCallLifecycleService({ onCallStart: createOnCallStart(deps), onCallEnd: createOnCallEnd(deps) }),
    createExecutionLogService({
      getExecution: createGetExecution(deps),
      listExecutions: createListExecutions(deps),
    }),
  ];
};

const toLimits = (config: Config) => ({
  maxPreCalls: config.maxPreCalls,
  maxPreCallsPerOrigin: config.maxPreCallsPerOrigin,
  maxPostCalls: config.maxPostCalls,
  maxPostCallsPerOrigin: config.maxPostCallsPerOrigin,
  maxBacklog: config.maxBacklog,
  maxBufferedBytes: config.maxBufferedBytes,
  startByMs: config.startByMs,
  retentionMs: config.retentionDays * DAY_MS,
  recordBytes: config.recordBodyBytes,
});

const DAY_MS = 86_400_000;
// After the last execution is on record, its answer still has to reach the caller.
const LAST_ANSWERS_MS = 1_000;

const toApp = ({ config, executor, database }: Parts, engine: Engine, server: GrpcServer): App => {
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    server.setServing(false);
    const closed = server.close(config.shutdownGraceMs + LAST_ANSWERS_MS);
    await engine.stop(config.shutdownGraceMs);
    await closed;
    await executor.close();
    await database.close();
  };
  return {
    listen: async () => {
      await engine.start();
      const port = await server.listen();
      server.setServing(true);
      return { grpcAddress: config.listen.address.replace(/\d+$/, String(port)) };
    },
    close: ({ immediately = false } = {}) => {
      closing ??= close();
      if (immediately) engine.abort();
      return closing;
    },
  };
};
