import { TraceFlags } from '@opentelemetry/api';
import {
  BatchSpanProcessor,
  type BatchSpanProcessorOptions,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { SpanDrops } from './span-drops.ts';

/** A batch processor that counts its spans. */
export interface SpanQueue {
  readonly processor: SpanProcessor;
  /** Returns how many spans wait for their export, or are being exported. */
  unexported(): number;
}

/** The bounds of a queue. */
type QueueOptions = Required<
  Pick<BatchSpanProcessorOptions, 'maxExportBatchSize' | 'scheduledDelayMillis' | 'exportTimeoutMillis'>
> & {
  readonly maxQueueSize: number;
};

/**
 * Makes the queue between finished spans and the collector. The batch processor of the SDK is bounded, but does not say how
 * many spans it drops. So a full queue is noticed before it, by the same bound.
 */
export function createSpanQueue(exporter: SpanExporter, options: QueueOptions, drops: SpanDrops): SpanQueue {
  let waiting = 0;
  let exporting = 0;
  const finish = (count: number, error?: Error): void => {
    exporting -= count;
    if (error !== undefined) drops.add(count, error.message);
  };
  const counting: SpanExporter = {
    export: (spans, done) => {
      waiting -= spans.length;
      exporting += spans.length;
      const onResult: typeof done = (result) => {
        const code: number = result.code;
        finish(spans.length, code === EXPORTED ? undefined : (result.error ?? NO_REASON));
        done(result);
      };
      exporter.export(spans, onResult);
    },
    shutdown: () => exporter.shutdown(),
  };
  const batches = new BatchSpanProcessor({ ...options, exporter: counting });
  return {
    processor: {
      onStart: () => undefined,
      onEnd: (span: ReadableSpan) => {
        if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
        if (waiting >= options.maxQueueSize) return drops.add(1, 'the queue is full');
        waiting += 1;
        batches.onEnd(span);
      },
      forceFlush: () => batches.forceFlush(),
      shutdown: () => batches.shutdown(),
    },
    unexported: () => waiting + exporting,
  };
}

// `ExportResultCode.SUCCESS` of the SDK.
const EXPORTED = 0;
const NO_REASON = new Error('the export failed');
