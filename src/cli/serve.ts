import type { Addresses, App } from '../app.ts';
import type { Config } from '../config/config.ts';
import { DatabaseError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { defineCommand } from './frame/command.ts';
import { EXIT } from './frame/exit-codes.ts';
import type { Shell } from './frame/shell.ts';
import { exitCodeOf, listenForSignals } from './frame/stop-signals.ts';

/** Serves gRPC until a signal stops it. */
export const serve = defineCommand({
  usage: '',
  about: `Serves gRPC, and sends the post-calls that are pending. SIGTERM or Ctrl-C stops it: running executions may
finish within CALLHOOKS_SHUTDOWN_GRACE. A second signal ends it at once. SIGHUP reads the TLS files again.
All settings are checked first. Standard output gets the log, one JSON line each (short lines on a terminal).`,
  variables: {
    CALLHOOKS_LISTEN: 'where gRPC is served (127.0.0.1:50051)',
    CALLHOOKS_HEALTH_LISTEN: 'a second port for probes, in plaintext (off)',
    CALLHOOKS_OPS_LISTEN: 'where metrics are served (127.0.0.1:9464)',
    CALLHOOKS_DATA_DIR: 'the folder of the embedded database (./data)',
    DATABASE_URL: 'MySQL or MariaDB instead: mysql://user:password@host/database',
    CALLHOOKS_ENCRYPTION_KEYS: 'required with DATABASE_URL: k1:$(openssl rand -base64 32)',
    CALLHOOKS_AUTH_TOKENS: 'who may call, as "callhooks token" prints it',
    CALLHOOKS_TLS_CERT_FILE: 'the certificate of the gRPC port, with CALLHOOKS_TLS_KEY_FILE',
    CALLHOOKS_EGRESS_ALLOW: 'private targets that webhooks may reach, such as 10.0.0.0/8:443',
    CALLHOOKS_LOG_LEVEL: 'info',
  },
  examples: [
    'callhooks serve',
    'CALLHOOKS_EGRESS_ALLOW=127.0.0.0/8 callhooks serve    # endpoints of this machine',
  ],
  exitCodes: {
    0: 'a signal stopped it',
    69: 'the database or a port is not available',
    70: 'there was an unexpected error',
    78: 'settings, keys or schema have to be put right (all problems are printed)',
    130: 'a second Ctrl-C ended it at once (143: a second SIGTERM)',
  },
  run: async (_line, shell) => serveUntilStopped(shell),
});

async function serveUntilStopped(shell: Shell): Promise<number> {
  const stopRequests = listenForSignals(shell);
  const [{ parseConfig }, { openLog }] = await Promise.all([
    import('../config/config.ts'),
    import('../logger.ts'),
  ]);
  const config = parseConfig(shell.env, shell.pid);
  const { logger, droppedLines, flush } = openLog(shell.stdout, {
    level: config.logLevel,
    instance: config.instance,
  });
  shell.onExit(flush);
  exitOnUnexpectedErrors(logger, shell);
  let app: App | undefined;
  let exitCode: number = EXIT.done;
  const run = async (): Promise<void> => {
    const { createApp } = await import('../app.ts');
    app = await createApp(config, { logger, droppedLogLines: droppedLines });
    if (config.tls !== undefined) reloadTlsOnHangup(app, shell);
    await announce(await listen(app, config), config, logger, shell);
    const signal = await stopRequests.first;
    logger.info({ signal, grace_ms: config.shutdownGraceMs }, 'stopping: running executions may finish');
    await app.close();
  };
  const stopAtOnce = async (): Promise<void> => {
    const signal = await stopRequests.second;
    logger.warn({ signal }, 'stopping at once: running executions are aborted');
    exitCode = exitCodeOf(signal);
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

async function announce(addresses: Addresses, config: Config, logger: Logger, shell: Shell): Promise<void> {
  const { VERSION } = await import('../version.ts');
  const { warnIfOpen, warnOfIgnoredProxy } = await import('../ops/openness.ts');
  warnIfOpen(config, logger);
  warnOfIgnoredProxy(config, logger);
  logger.info({ ...addresses, version: VERSION }, 'serving');
  // The help goes to stderr, because standard output holds only log lines.
  if (!shell.stderr.isTTY && shell.env['MAKELEVEL'] === undefined) return;
  const { nextSteps } = await import('../ops/next-steps.ts');
  shell.say(nextSteps(addresses, config));
}

// Only a server with TLS files listens: without them a terminal that closes ends the server, as always.
function reloadTlsOnHangup(app: App, shell: Shell): void {
  shell.onSignal('SIGHUP', () => void app.reloadTls());
}

// After an error that nobody caught, the state of this process is unknown. It exits, and the next process finds in the
// database which executions were running.
function exitOnUnexpectedErrors(logger: Logger, shell: Shell): void {
  shell.onUnexpectedError((err) => {
    logger.error({ err }, 'unexpected error: exiting');
    shell.exit(EXIT.unexpected);
  });
}
