import type { EngineDeps } from '../engine/engine.ts';
import type { ExecutionLine } from '../engine/webhook-run/outcome.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from './metrics/metrics.ts';

/** Where the end of an execution is reported. */
interface Reports {
  readonly metrics: Pick<Metrics, 'countExecution' | 'countUnowned'>;
  /** There is none where traces are off. */
  readonly tracing: { noteExecution(line: ExecutionLine): void } | undefined;
  readonly logger: Logger;
}

/** Returns the functions that count the end of each execution, and log one line of it. */
export function reportExecutions({
  metrics,
  tracing,
  logger,
}: Reports): Pick<EngineDeps, 'onExecution' | 'onUnowned'> {
  return {
    onExecution: (line, times) => {
      metrics.countExecution(line, times);
      tracing?.noteExecution(line);
      logger.info(line, 'execution');
    },
    onUnowned: (line) => {
      metrics.countUnowned(line);
      logger.info(line, 'execution');
    },
  };
}
