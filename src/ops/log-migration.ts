import type { Logger } from '../logger.ts';
import type { MigrationEvent } from '../store/migrate.ts';

/** Logs one step of a migration that a server makes at its start. */
export function logMigration(logger: Logger, event: MigrationEvent): void {
  if (event.kind === 'waiting') {
    const { holder, heldMs } = event.owner;
    logger.warn({ holder, held_ms: heldMs }, 'waiting for another process that migrates the database');
  } else if (event.kind === 'applying') {
    logger.info({ migration: event.name }, 'applying a migration');
  } else {
    logger.info({ migration: event.name, duration_ms: Math.round(event.durationMs) }, 'applied a migration');
  }
}
