import type { Reason } from '../../errors.ts';
import { countedOutcome } from '../../domain/counted-outcome.ts';
import type { MinuteStore } from '../../store/minute-store.ts';
import type { UnownedLine } from '../unowned-executions.ts';
import type { ExecutionLine } from '../webhook-run/outcome.ts';
import { addAt, addOutcome, addWord, type Counts } from './counts.ts';
import { forgetMinutes } from './forget-minutes.ts';
import { bucketOf } from './latency-buckets.ts';
import { createMinuteReader, type MinuteReader } from './minute-reader.ts';
import { createMinuteWriter, type MinuteWriter } from './minute-writer.ts';
import { createOwnMinutes } from './own-minutes.ts';

/** Counts executions and refusals by the minute, and knows what all replicas counted in the last day. */
export interface Minutes extends MinuteReader, MinuteWriter {
  /** Counts a finished execution, also one that has no owner. One whose row says something else is not counted. */
  countExecution(line: ExecutionLine | UnownedLine): void;
  /** Counts an RPC that was answered with a reason. */
  countRefusal(reason: Reason): void;
  /** Learns the time of the database's clock, which is that of the machine until then. Never rejects. */
  start(): Promise<void>;
  /** Deletes the minutes that are too old. */
  forget(isStopped: () => boolean): Promise<void>;
}

/** What the minutes need. */
interface MinutesDeps {
  readonly store: MinuteStore;
  readonly newUuid: () => string;
  /** Returns the time of this machine. */
  readonly now: () => number;
  /** Returns the time of the database's clock. */
  readonly databaseNowMs: () => Promise<number>;
  readonly elapsedMs: () => number;
  readonly onError: (error: unknown) => void;
}

/** Makes the minutes. Nothing is written before somebody calls `write`. */
export function createMinutes({ store, newUuid, now, databaseNowMs, ...deps }: MinutesDeps): Minutes {
  const { elapsedMs, onError } = deps;
  let aheadMs = 0;
  const nowMs = (): number => now() + aheadMs;
  const learnTime = async (): Promise<void> => {
    aheadMs = (await databaseNowMs()) - now();
  };
  const own = createOwnMinutes(nowMs);
  const writer = newUuid();
  const { write, writeLast } = createMinuteWriter({ store, own, writer, onError });
  return {
    countExecution: (line) => {
      if (line.recorded) countExecution(own.change(), line);
    },
    countRefusal: (reason) => addWord(own.change().refusals, reason),
    start: () => learnTime().catch(onError),
    write: async () => {
      await learnTime();
      await write();
    },
    writeLast,
    forget: async (isStopped) => {
      await learnTime();
      await forgetMinutes(store, nowMs(), isStopped);
    },
    read: createMinuteReader({ store, own, writer, nowMs, elapsedMs }).read,
  };
}

function countExecution(counts: Counts, line: ExecutionLine | UnownedLine): void {
  const { webhook_type: type, outcome, failure_code: code } = line;
  const ofType = counts.byType[type];
  addOutcome(ofType, countedOutcome(outcome, 'decision' in line ? line.decision : undefined));
  if (code !== undefined) addWord(counts.failures, code);
  if (outcome === 'failed') counts.webhooks.add(line.webhook_uuid, line.agent_uuid, 1);
  if ('duration_ms' in line) addAt(ofType.latency, bucketOf(line.total_ms ?? line.duration_ms), 1);
}
