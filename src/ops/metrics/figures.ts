import type { EngineFigures } from '../../engine/engine-figures.ts';
import type { PoolFigures } from '../../store/database.ts';

/** What a scrape reads from the running process. Nothing of it asks the database. */
export interface Figures extends EngineFigures {
  /** gRPC in plaintext can be reached from other machines. */
  readonly isInsecure: boolean;
  /** Other machines can call every RPC without a token. */
  readonly isWithoutTokens: boolean;
  readonly isResolvedByProxy: boolean;
  readonly tlsFilesAreStale: boolean;
  /** Until when the certificate of the gRPC port is valid, in epoch milliseconds. It is Infinity without TLS. */
  readonly tlsExpiresAtMs: number;
  readonly hasWeakDurability: boolean;
  /** How many log lines were dropped since the start. */
  readonly droppedLogLines: number;
  /** How many spans of traces were dropped since the start. */
  readonly droppedSpans: number;
  readonly pool: PoolFigures;
}
