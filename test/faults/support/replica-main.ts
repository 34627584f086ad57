/**
 * Runs a replica with faults (environment variable FAULT). It has the same parts as src/main.ts, and a watcher
 * of the engine's fault points, which the published build has not.
 */
import { createApp } from '../../../src/app.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { openLog } from '../../../src/logger.ts';
import { armFaults } from './faults.ts';

const { FAULT = '', ...env } = process.env;
const config = parseConfig({ CALLHOOKS_OPS_LISTEN: 'off', ...env }, process.pid);
const log = openLog(process.stdout, { level: config.logLevel, instance: config.instance });
process.on('exit', log.flush);
const app = await createApp(config, { logger: log.logger, onFaultPoint: armFaults(FAULT) });

let signals = 0;
process.on('SIGTERM', () => {
  signals += 1;
  void app.close({ immediately: signals > 1 }).then(() => process.exit(signals > 1 ? 143 : 0));
});
await app.listen();
