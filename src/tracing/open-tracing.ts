import type { TracingSettings } from '../config/tracing.ts';
import type { Logger } from '../logger.ts';
import type { Tracing } from './tracing.ts';

/** What traces are opened with. */
interface TracingOptions {
  /** There are no traces when it is undefined. */
  readonly tracing: TracingSettings | undefined;
  readonly instance: string;
}

/**
 * Opens the export of traces if somebody asks for traces. The library is loaded only then. `databaseSystem` is the value of
 * `db.system.name`.
 */
export async function openTracing(
  { tracing: settings, instance }: TracingOptions,
  databaseSystem: string,
  logger: Logger,
): Promise<Tracing | undefined> {
  if (settings === undefined) return undefined;
  const { createTracing } = await import('./tracing.ts');
  return createTracing(settings, {
    instance,
    databaseSystem,
    onDropped: (spans, reason) => logger.warn({ spans, reason }, DROPPED),
  });
}

const DROPPED = 'spans of traces were dropped: the collector did not take them';
