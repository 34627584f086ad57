#!/usr/bin/env node
import { constants } from 'node:os';
import { inspect } from 'node:util';
import type { Addresses, App } from './app.ts';
import type { Config } from './config/config.ts';
import { ConfigError, DatabaseError, errorCode } from './errors.ts';
import type { Logger } from './logger.ts';

const EXIT = { done: 0, usage: 64, unavailable: 69, unexpected: 70, config: 78 } as const;

// Each command loads its modules when it runs, so that --help is instant and a server does not load the other commands.
const COMMANDS = new Map<string | undefined, () => Promise<number>>([
  ['serve', serve],
  ['migrate', migrate],
  ['rotate-keys', rotateKeys],
  ['check-config', checkConfig],
  ['--help', printUsage],
  ['-h', printUsage],
  ['help', printUsage],
  ['--version', printVersion],
]);

async function serve(): Promise<number> {
  const stopRequests = listenForSignals();
  const [{ parseConfig }, { openLog }] = await Promise.all([
    import('./config/config.ts'),
    import('./logger.ts'),
  ]);
  const config = parseConfig(process.env, process.pid);
  const { logger, droppedLines, flush } = openLog(process.stdout, {
    level: config.logLevel,
    instance: config.instance,
  });
  process.on('exit', flush);
  exitOnUnexpectedErrors(logger);
  let app: App | undefined;
  let exitCode: number = EXIT.done;
  const run = async (): Promise<void> => {
    const { createApp } = await import('./app.ts');
    app = await createApp(config, { logger, droppedLogLines: droppedLines });
    if (config.tls !== undefined) reloadTlsOnHangup(app);
    await announce(await listen(app, config), config, logger);
    const signal = await stopRequests.first;
    logger.info({ signal, grace_ms: config.shutdownGraceMs }, 'stopping: running executions may finish');
    await app.close();
  };
  const stopAtOnce = async (): Promise<void> => {
    const signal = await stopRequests.second;
    logger.warn({ signal }, 'stopping at once: running executions are aborted');
    exitCode = 128 + constants.signals[signal];
    await app?.close({ immediately: true });
  };
  await Promise.race([run(), stopAtOnce()]);
  logger.info({ exit_code: exitCode }, 'stopped');
  return exitCode;
}

async function listen(app: App, config: Config): Promise<Addresses> {
  try {
    return await app.listen();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof DatabaseError) throw error;
    const wanted = Object.entries({
      gRPC: config.listen,
      health: config.healthListen,
      metrics: config.opsListen,
    })
      .filter(([, port]) => port !== undefined)
      .map(([name, port]) => `${port?.address} (${name})`);
    throw Object.assign(new Error(`it can't listen on ${wanted.join(' and ')}: ${error.message}`), {
      syscall: 'listen',
    });
  }
}

async function announce(addresses: Addresses, config: Config, logger: Logger): Promise<void> {
  const { VERSION } = await import('./version.ts');
  const { warnIfOpen, warnOfIgnoredProxy } = await import('./ops/openness.ts');
  warnIfOpen(config, logger);
  warnOfIgnoredProxy(config, logger);
  logger.info({ ...addresses, version: VERSION }, 'serving');
  // The help goes to stderr, because standard output holds only log lines.
  if (!process.stderr.isTTY && process.env['MAKELEVEL'] === undefined) return;
  const { nextSteps } = await import('./ops/next-steps.ts');
  process.stderr.write(nextSteps(addresses.grpcAddress, config));
}

// Only a server with TLS files listens: without them a terminal that closes ends the server, as always.
function reloadTlsOnHangup(app: App): void {
  process.on('SIGHUP', () => void app.reloadTls());
}

async function migrate(): Promise<number> {
  const { parseConfig } = await import('./config/config.ts');
  const config = parseConfig(process.env, process.pid);
  const { openDatabase, refuseNewerSchema } = await import('./store/database.ts');
  const { VERSION } = await import('./version.ts');
  const { databasePlaceOf } = await import('./ops/configured-database.ts');
  const database = await openDatabase(databasePlaceOf(config));
  try {
    await refuseNewerSchema(database, VERSION);
    const applied = await database.migrate();
    const lines = applied.map((name) => `applied ${name}\n`);
    process.stdout.write(lines.join('') || 'the schema is up to date\n');
  } finally {
    await database.close();
  }
  return EXIT.done;
}

async function rotateKeys(): Promise<number> {
  const { parseConfig } = await import('./config/config.ts');
  const config = parseConfig(process.env, process.pid);
  const { rotateStoredKeys } = await import('./ops/key-rotation.ts');
  const { openMigrated } = await import('./store/database.ts');
  const { VERSION: release } = await import('./version.ts');
  const line = await rotateStoredKeys(config, (options) =>
    openMigrated({ ...options, migrate: false, release }),
  );
  process.stdout.write(line);
  return EXIT.done;
}

async function checkConfig(): Promise<number> {
  const { parseConfig } = await import('./config/config.ts');
  const config = parseConfig(process.env, process.pid);
  const { configReport } = await import('./ops/config-report.ts');
  const { databaseReport } = await import('./ops/database-report.ts');
  const { openDatabase } = await import('./store/database.ts');
  const { text, lacksKeys } = await databaseReport(config, openDatabase);
  process.stdout.write(`${configReport(process.env)}\n${text}`);
  return lacksKeys ? EXIT.config : EXIT.done;
}

async function token(args: readonly string[]): Promise<number> {
  const { tokenCommand } = await import('./ops/token-command.ts');
  const result = tokenCommand(args);
  if ('problem' in result) return refuseCommandLine(result.problem);
  process.stdout.write(result.stdout);
  process.stderr.write(result.stderr);
  return EXIT.done;
}

async function printUsage(): Promise<number> {
  const { USAGE } = await import('./ops/usage.ts');
  process.stdout.write(USAGE);
  return EXIT.done;
}

async function printVersion(): Promise<number> {
  const { VERSION } = await import('./version.ts');
  process.stdout.write(`callhooks ${VERSION} (Node.js ${process.version})\n`);
  return EXIT.done;
}

type Signal = 'SIGTERM' | 'SIGINT';

// The server listens for signals before it starts. A signal during the start stops it as soon as it is up.
function listenForSignals(): { first: Promise<Signal>; second: Promise<Signal> } {
  const first = Promise.withResolvers<Signal>();
  const second = Promise.withResolvers<Signal>();
  let count = 0;
  const onSignal = (signal: Signal): void => [first, second][count++]?.resolve(signal);
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  process.on('SIGINT', () => onSignal('SIGINT'));
  return { first: first.promise, second: second.promise };
}

// After an error that nobody caught, the state of this process is unknown. It exits, and the next process finds in the
// database which executions were running.
function exitOnUnexpectedErrors(logger: Logger): void {
  const exit = (err: unknown) => {
    logger.error({ err }, 'unexpected error: exiting');
    process.exit(EXIT.unexpected);
  };
  process.on('uncaughtException', exit);
  process.on('unhandledRejection', exit);
}

async function explainFailure(error: unknown): Promise<number> {
  if (error instanceof ConfigError) {
    const problems = error.problems.map((problem) => `  - ${problem}\n`);
    process.stderr.write(`callhooks can't continue:\n${problems.join('')}`);
    return EXIT.config;
  }
  if (error instanceof DatabaseError && error.kind === 'away') {
    const reason = errorCode(error.cause) ?? 'no answer';
    const problem = error.advice ?? `the database can't be reached (${reason})`;
    process.stderr.write(`callhooks can't continue: ${problem}\n`);
    return EXIT.unavailable;
  }
  // The messages of these errors say it best: the folder can't be made or is in use, or the port is taken.
  if (error instanceof Error && ('syscall' in error || isBusy(error.cause))) {
    process.stderr.write(`callhooks can't continue: ${error.message}\n`);
    return EXIT.unavailable;
  }
  const { describeError } = await import('./logger.ts');
  process.stderr.write(`callhooks failed: ${inspect(describeError(error), { depth: 8 })}\n`);
  return EXIT.unexpected;
}

function isBusy(error: unknown): boolean {
  return error instanceof DatabaseError && error.kind === 'busy';
}

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'token') return token(argv.slice(1));
  const command = argv.length === 1 ? COMMANDS.get(argv[0]) : undefined;
  if (command !== undefined) return command();
  return refuseCommandLine(
    argv.length === 0 ? 'no command was given' : `there is no command "${argv.join(' ')}"`,
  );
}

async function refuseCommandLine(problem: string): Promise<number> {
  const { USAGE } = await import('./ops/usage.ts');
  process.stderr.write(`callhooks: ${problem}\n\n${USAGE}`);
  return EXIT.usage;
}

process.exit(await main(process.argv.slice(2)).catch(explainFailure));
