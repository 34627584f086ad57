import { createAccessControl } from './access/access-control.ts';
import { consoleAccessOf, consoleUrl } from './access/console-access.ts';
import { bindCommands, type Commands } from './commands/bind-commands.ts';
import type { Config } from './config/config.ts';
import { createConsole, type Console } from './console/console.ts';
import { createEngine, type Engine } from './engine/engine.ts';
import type { OnFaultPoint } from './engine/fault-points.ts';
import type { Intervals } from './engine/maintenance.ts';
import { createStartup, type Startup } from './engine/startup.ts';
import type { LocalApi } from './grpc/local-api.ts';
import { createServerTls, type ServerTls } from './grpc/server-tls.ts';
import { createGrpcServer, type GrpcAddresses, type GrpcServer } from './grpc/server.ts';
import { createAgentAdminService } from './grpc/services/agent-admin.ts';
import { createCallLifecycleService } from './grpc/services/call-lifecycle.ts';
import { createExecutionLogService } from './grpc/services/execution-log.ts';
import { createWebhookAdminService } from './grpc/services/webhook-admin.ts';
import { checkClientCertificate } from './http/dial/check-client-certificate.ts';
import { readEgress } from './http/egress/egress-settings.ts';
import { createExecutor, type GuardedExecutor } from './http/executor.ts';
import { createResolver, type Resolve } from './http/dns/resolver.ts';
import { createIds, type Ids } from './ids.ts';
import type { Logger } from './logger.ts';
import { databasePlaceOf } from './ops/configured-database.ts';
import { reportExecutions } from './ops/execution-reports.ts';
import { rotateAtStart } from './ops/key-rotation.ts';
import { logMigration } from './ops/log-migration.ts';
import type { Figures } from './ops/metrics/figures.ts';
import { createMetrics, type Metrics } from './ops/metrics/metrics.ts';
import { opennessOf } from './ops/openness.ts';
import { createOpsServer } from './ops/ops-server.ts';
import { createAgentSecrets, type AgentSecrets } from './secrets/agent-secrets.ts';
import { hashText } from './secrets/hash.ts';
import { openKeyring } from './secrets/open-keyring.ts';
import type { Keyring } from './secrets/keyring.ts';
import { signHmac, signStandardWebhook } from './secrets/sign.ts';
import { createTextSeal } from './secrets/text-seal.ts';
import { openMigrated, type Database } from './store/database.ts';
import { openTracing } from './tracing/open-tracing.ts';
import type { Tracing } from './tracing/tracing.ts';
import { VERSION } from './version.ts';

/** The addresses that a process listens on, each `host:port`. */
export interface Addresses extends GrpcAddresses {
  readonly opsAddress?: string;
  /** The URL of the console, if there is one. */
  readonly consoleUrl?: string;
}

/** A whole callhooks process, ready to listen. */
export interface App {
  /** Begins to serve. Resolves with the addresses that are bound. */
  listen(): Promise<Addresses>;
  /** Reads the TLS files again, where there are any. They are also read again each second. */
  reloadTls(): Promise<void>;
  /**
   * Refuses new calls, lets running ones finish within the grace, records them, and closes. With `immediately` the running
   * ones are aborted at once.
   */
  close(options?: { immediately?: boolean }): Promise<void>;
}

/** What `main` hands in, and what a test may put in place of a part. */
export interface AppOverrides {
  readonly logger: Logger;
  /** Returns how many log lines were dropped. Without it none is. */
  readonly droppedLogLines?: () => number;
  /** Looks up names in place of the resolver. */
  readonly resolve?: Resolve;
  /** How often each kind of maintenance is done. A kind that is left out is done as often as in production. */
  readonly everyMs?: Partial<Intervals>;
  /** Is called at each fault point that an execution reaches. */
  readonly onFaultPoint?: OnFaultPoint;
}

/**
 * Plugs the process together: settings, database, keys, egress policy, engine, commands, gRPC.
 * @throws ConfigError with what the operator has to mend; DatabaseError when the database can't be reached.
 */
export async function createApp(config: Config, overrides: AppOverrides): Promise<App> {
  const { migrate, instance } = config;
  const database = await openMigrated({
    ...{ ...databasePlaceOf(config), migrate, release: VERSION },
    holder: `${instance} (callhooks ${VERSION})`,
    onMigration: (event) => logMigration(overrides.logger, event),
  });
  try {
    return await plugTogether(config, overrides, database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The parts that others are built from. */
interface Parts {
  readonly config: Config;
  readonly logger: Logger;
  readonly ids: Ids;
  readonly database: Database;
  readonly keyring: Keyring;
  readonly agentSecrets: AgentSecrets;
  readonly executor: GuardedExecutor;
  readonly metrics: Metrics;
  readonly onFaultPoint: OnFaultPoint;
  /** There is none where traces are off. */
  readonly tracing: Tracing | undefined;
  /** Logs an error that no caller hears of. */
  readonly onError: (error: unknown, executionUuid?: string) => void;
}

async function plugTogether(config: Config, overrides: AppOverrides, database: Database): Promise<App> {
  const { logger, droppedLogLines = () => 0, onFaultPoint = () => undefined, everyMs = {} } = overrides;
  const { dataDir, encryptionKeys: keys } = config;
  const keyring = await openKeyring({ keys, dataDir, sealed: database.sealed });
  if (database.engine === 'sqlite') await rotateAtStart(keyring, database.sealed, logger);
  const weaknesses = await database.checkSettings();
  for (const weakness of weaknesses) logger.warn({ weakness }, 'database settings');
  const tls = config.tls && createServerTls({ ...config.tls, logger });
  const systemName = await database.systemName();
  const tracing = await openTracing(config, systemName, logger);
  const readFigures = (): Figures => ({
    ...engine.figures(),
    ...opennessOf(config),
    tlsFilesAreStale: tls?.isStale() ?? false,
    tlsExpiresAtMs: tls?.expiresAtMs() ?? Infinity,
    hasWeakDurability: weaknesses.length > 0,
    ...{ droppedLogLines: droppedLogLines(), droppedSpans: tracing?.droppedSpans() ?? 0 },
    pool: database.pool(),
  });
  const metrics = createMetrics(readFigures, systemName);
  const agentSecrets = createAgentSecrets(keyring, metrics.countUndecryptable);
  const untraced = plugExecutor(config, overrides, metrics);
  const executor = tracing?.withRequestSpans(untraced) ?? untraced;
  const onError = (err: unknown, executionUuid?: string): void =>
    logger.error({ err, execution_uuid: executionUuid }, 'work on an execution or in the background failed');
  const ids = createIds();
  const parts: Parts = {
    ...{ config, logger, ids, database, keyring, agentSecrets, executor, metrics },
    ...{ onFaultPoint, tracing, onError },
  };

  const engine = plugEngine(parts, everyMs, (isReady) => server.setServing(isReady));
  const startup = createStartup();
  const commands = bindCommands({
    ...{ engine, startup, logger, ids, agentSecrets, onFaultPoint, onError, checkClientCertificate },
    ...{ checkUrl: executor.checkUrl, countOtherDetails: metrics.countOtherDetails },
    ...{ instance: config.instance, recordBytes: config.recordBodyBytes },
  });
  const server = createGrpcServer({
    address: config.listen.address,
    healthAddress: config.healthListen?.address,
    credentials: tls?.credentials,
    ...(config.apiTokens && { accessControl: createAccessControl(config.apiTokens) }),
    services: [
      createAgentAdminService(commands),
      createWebhookAdminService(commands),
      createCallLifecycleService(commands),
      createExecutionLogService(commands),
    ],
    logger,
    newRequestId: ids.uuid,
    startSpan: tracing?.startRpc,
    reflection: config.reflection,
    gate: engine.gate,
    budget: engine.budget,
    ...metrics.grpc,
    onRpcError: (reason) => {
      metrics.grpc.onRpcError(reason);
      engine.parts.minutes.countRefusal(reason);
    },
  });
  return toApp(parts, commands, engine, startup, server, tls);
}

function plugExecutor(config: Config, { logger, resolve }: AppOverrides, metrics: Metrics): GuardedExecutor {
  const { policy, proxy, idle } = readEgress(config);
  for (const entry of idle) logger.warn({ entry }, 'an entry of CALLHOOKS_EGRESS_ALLOW opens nothing');
  return createExecutor({
    ...{ policy, proxy },
    resolve: resolve ?? createResolver({ servers: config.dnsServers }),
    extraCa: config.endpointCertificates,
    ...metrics.http,
  });
}

function plugEngine(
  { config, logger, ids, database, agentSecrets, executor, metrics, onFaultPoint, tracing, onError }: Parts,
  everyMs: Partial<Intervals>,
  onReadiness: (isReady: boolean) => void,
): Engine {
  return createEngine({
    ...{ database, executor, agentSecrets, everyMs, onReadiness, onFaultPoint, tracing, onError },
    ...{ sign: signStandardWebhook, signHmac, hash: hashText },
    ...metrics.engine,
    newUuid: ids.uuid,
    newSpanId: ids.spanId,
    now: Date.now,
    userAgent: `callhooks/${VERSION}`,
    instance: config.instance,
    maxResponseBytes: config.maxResponseBytes,
    sendTraceparent: config.sendTraceparent,
    limits: config,
    ...reportExecutions({ metrics, tracing, logger }),
  });
}

function plugConsole(
  { config, logger, keyring, metrics }: Parts,
  localApi: LocalApi,
  { overview }: Commands,
): Console | undefined {
  const access = consoleAccessOf(config);
  const onUnknownToken = (): void => metrics.grpc.onAccessRefused('unknown_token');
  const { address, isLoopback } = config.listen;
  const grpcTarget = {
    // A server that listens on all addresses does not know by which name it is reached.
    address: isLoopback ? address : address.replace(/^.*:/, 'YOUR-SERVER:'),
    isTls: config.tls !== undefined,
    needsToken: config.apiTokens !== undefined,
  };
  const seal = createTextSeal(keyring);
  return access && createConsole({ localApi, overview, logger, access, seal, grpcTarget, onUnknownToken });
}

// At the end of the grace what was aborted has 3 s to be recorded, and then its answer has to reach the caller.
const LAST_ANSWERS_MS = 4_000;

function toApp(
  parts: Parts,
  commands: Commands,
  engine: Engine,
  startup: Startup,
  server: GrpcServer,
  tls: ServerTls | undefined,
): App {
  const { config, executor, database, metrics, tracing } = parts;
  const console = plugConsole(parts, server.localApi, commands);
  const ops = createOpsServer({ page: metrics.page, isReady: server.isServing, console });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    server.setServing(false);
    const closed = server.close(config.shutdownGraceMs + LAST_ANSWERS_MS);
    const stopped = engine.stop(config.shutdownGraceMs);
    // The engine refuses the calls that still wait for it.
    startup.finish();
    await stopped;
    await closed;
    await executor.close();
    await database.close();
    await tracing?.close();
    await ops.close();
    tls?.close();
    metrics.close();
  };
  return {
    listen: async () => {
      // The ports are bound first: a process whose port is taken must claim and mark nothing.
      const opsAddress = config.opsListen && (await ops.listen(config.opsListen.address));
      const grpcAddresses = await server.listen();
      await engine.start();
      startup.finish();
      server.setServing(true);
      const pages = opsAddress && console && { consoleUrl: consoleUrl(opsAddress) };
      return { ...grpcAddresses, ...(opsAddress && { opsAddress }), ...pages };
    },
    reloadTls: async () => tls?.reload(),
    close: ({ immediately = false } = {}) => {
      closing ??= close();
      if (immediately) engine.abort();
      return closing;
    },
  };
}
