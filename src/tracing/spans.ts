import { AsyncLocalStorage } from 'node:async_hooks';
import {
  ROOT_CONTEXT,
  SpanStatusCode,
  TraceFlags,
  trace,
  type Attributes,
  type Span,
  type SpanKind,
  type Tracer,
} from '@opentelemetry/api';
import { spanIdOf, traceIdOf } from '../domain/trace-context.ts';

/** How a span begins. */
export interface SpanStart {
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** The W3C trace context of a parent in another process, or in the past. It wins over the current span. */
  readonly parent?: string | undefined;
  /** The span begins a trace when there is no `parent`, also where there is a current span. */
  readonly root?: boolean;
  /** The id that the span must have. */
  readonly spanId?: string | undefined;
  /** Instant of `performance.now()`. It is now when it is absent. */
  readonly startedAtMs?: number;
}

/** Makes spans, and knows which span the running code belongs to. */
export interface Spans {
  start(name: string, start: SpanStart): Span;
  /** Returns the span that the running code belongs to. */
  current(): Span | undefined;
  /** Runs the work, and all that it waits for, as a part of a span; of none with undefined. */
  run<T>(span: Span | undefined, work: () => T): T;
}

/**
 * Makes the spans. They are not registered for the whole process, as instrumentation of libraries would want it: each
 * parent is given by name or is the current span of this process, and nothing else makes spans.
 */
export function createSpans(tracer: Tracer, chooseSpanId: (id: string | undefined) => void): Spans {
  const storage = new AsyncLocalStorage<Span | undefined>();
  return {
    start: (name, { kind, attributes, parent, root = false, spanId, startedAtMs }) => {
      const current = root ? undefined : storage.getStore();
      const context =
        parent !== undefined
          ? trace.setSpanContext(ROOT_CONTEXT, remoteContext(parent))
          : current === undefined
            ? ROOT_CONTEXT
            : trace.setSpan(ROOT_CONTEXT, current);
      chooseSpanId(spanId);
      return tracer.startSpan(
        name,
        { kind, attributes, ...(startedAtMs === undefined ? {} : { startTime: startedAtMs }) },
        context,
      );
    },
    current: () => storage.getStore(),
    run: (span, work) => storage.run(span, work),
  };
}

/** Returns the W3C trace context of a span. The flag for a random trace id is taken from `incoming`. */
export function traceparentOf(span: Span, incoming?: string): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  const random = Number(incoming?.at(-1) ?? 0) & RANDOM_FLAG;
  return `00-${traceId}-${spanId}-0${(traceFlags & TraceFlags.SAMPLED) | random}`;
}

/** Marks a span as failed. `type` comes from a closed set. */
export function failSpan(span: Span, type: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

const RANDOM_FLAG = 0x02;

function remoteContext(traceparent: string) {
  return {
    traceId: traceIdOf(traceparent),
    spanId: spanIdOf(traceparent),
    traceFlags: Number(traceparent.at(-1)) & TraceFlags.SAMPLED,
    isRemote: true,
  };
}
