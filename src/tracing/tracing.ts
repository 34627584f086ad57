import { SpanKind, type Span } from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '../config/tracing.ts';
import { readTraceparent } from '../domain/trace-context.ts';
import type { ExecutionLine } from '../engine/webhook-run/outcome.ts';
import type { HttpExecutor } from '../http/http-client.ts';
import { VERSION } from '../version.ts';
import { createDatabaseSpans } from './database-spans.ts';
import { loadExporter } from './exporter.ts';
import { withRequestSpans } from './request-spans.ts';
import { toSampler } from './sampler.ts';
import { toAttributes } from './span-attributes.ts';
import { createSpanDrops } from './span-drops.ts';
import { createSpanQueue } from './span-queue.ts';
import { createSpans, failSpan, traceparentOf, type Spans } from './spans.ts';

/** A span that other parts of callhooks work in. */
export interface OpenSpan {
  /** Its W3C trace context, for what belongs to it. */
  readonly traceparent: string;
  /** Runs the work, and all that it waits for, as a part of the span. */
  run<T>(work: () => T): T;
}

/** The server span of an RPC. */
export interface RpcSpan extends OpenSpan {
  /** Ends the span with the status and the fields of the RPC's log line. */
  end(code: string, fields: object): void;
}

/** The span of a claimed post-call. */
export interface PostCallSpan extends OpenSpan {
  end(): void;
}

/** Makes the spans of callhooks and exports them. There is none while nobody asks for traces. */
export interface Tracing {
  /** Begins the span of an RPC, as a child of the caller's span if there is one. */
  startRpc(rpc: string, traceparent: string | undefined): RpcSpan;
  /**
   * Begins the span of a post-call that was just claimed, in the trace of its `OnCallEnd`. `startedAtMs` is the instant of
   * `performance.now()` at which the claim began.
   */
  startPostCall(traceparent: string | undefined, startedAtMs: number): PostCallSpan;
  /** Adds what became of an execution to the span that it belongs to. */
  noteExecution(line: ExecutionLine): void;
  /** Runs background work that an RPC sets off, as a part of no span. */
  apart<T>(work: () => T): T;
  /** Returns the database operations with their spans. */
  withDatabaseSpans<T extends object>(statements: T): T;
  /** Returns the executor with spans of its requests. */
  withRequestSpans<T extends Pick<HttpExecutor, 'send'>>(executor: T): T;
  /** Returns how many spans no collector got. */
  droppedSpans(): number;
  /** Exports the spans that wait, for at most two seconds. */
  close(): Promise<void>;
}

/** What traces need from outside. */
export interface TracingDeps {
  /** The value of `db.system.name`. */
  readonly databaseSystem: string;
  readonly instance: string;
  /** Is told how many spans were dropped and why the last ones were, at most once a minute. */
  readonly onDropped: (spans: number, reason: string) => void;
}

const CLOSE_WITHIN_MS = 2_000;
const ENDED = 'the process ended first';

/** Opens the export of traces. It does not wait for the collector, and nothing else ever does. */
export async function createTracing(settings: TracingSettings, deps: TracingDeps): Promise<Tracing> {
  const drops = createSpanDrops(deps.onDropped);
  const queue = createSpanQueue(
    await loadExporter(settings),
    {
      maxQueueSize: settings.maxQueuedSpans,
      maxExportBatchSize: settings.maxBatchSpans,
      scheduledDelayMillis: settings.batchDelayMs,
      exportTimeoutMillis: settings.exportTimeoutMs,
    },
    drops,
  );
  const ids = createChosenIds();
  const provider = new TracerProvider({
    resource: resourceOf(deps.instance),
    sampler: toSampler(settings),
    idGenerator: ids,
    spanProcessors: [queue.processor],
  });
  const spans = createSpans(provider.getTracer('callhooks', VERSION), ids.choose);
  const databaseSpans = createDatabaseSpans(spans, deps.databaseSystem);
  return {
    startRpc: (rpc, traceparent) => startRpc(spans, rpc, traceparent),
    startPostCall: (traceparent, startedAtMs) => {
      const span = startPostCall(spans, traceparent, startedAtMs);
      spans.run(span, () => databaseSpans.claimed(startedAtMs));
      return { ...openSpan(spans, span, traceparent), end: () => span.end() };
    },
    noteExecution: (line) => void spans.current()?.setAttributes(toAttributes(line)),
    apart: (work) => spans.run(undefined, work),
    withDatabaseSpans: databaseSpans.wrap,
    withRequestSpans: (executor) => withRequestSpans(executor, spans),
    droppedSpans: drops.total,
    close: async () => {
      await within(CLOSE_WITHIN_MS, provider.shutdown());
      // What was dropped before has reasons of its own.
      drops.flush();
      drops.add(queue.unexported(), ENDED);
      drops.flush();
    },
  };
}

function startRpc(spans: Spans, rpc: string, traceparent: string | undefined): RpcSpan {
  const span = spans.start(rpc, {
    kind: SpanKind.SERVER,
    attributes: { 'rpc.system.name': 'grpc', 'rpc.method': rpc },
    parent: traceparent,
    root: true,
  });
  return {
    ...openSpan(spans, span, traceparent),
    end: (code, fields) => {
      span.setAttributes({ ...toAttributes(fields), 'rpc.response.status_code': code });
      if (SERVER_ERRORS.has(code)) failSpan(span, code);
      span.end();
    },
  };
}

// The conventions for gRPC count these codes as errors of the server. All others are the caller's business.
const SERVER_ERRORS: ReadonlySet<string> = new Set([
  ...['UNKNOWN', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'],
]);

function startPostCall(spans: Spans, traceparent: string | undefined, startedAtMs: number): Span {
  return spans.start('post_call', {
    kind: SpanKind.INTERNAL,
    attributes: {},
    parent: readTraceparent(traceparent),
    root: true,
    startedAtMs,
  });
}

function openSpan(spans: Spans, span: Span, incoming: string | undefined): OpenSpan {
  return { traceparent: traceparentOf(span, incoming), run: (work) => spans.run(span, work) };
}

function resourceOf(instance: string) {
  const own = { 'service.name': 'callhooks', 'service.version': VERSION, 'service.instance.id': instance };
  const detectors = [resourceAttributesEnvDetector, serviceNameEnvDetector];
  return defaultResource().merge(resourceFromAttributes(own)).merge(detectResources({ detectors }));
}

/** Makes random ids, but for the next span the id that was chosen. */
function createChosenIds() {
  const random = new RandomIdGenerator();
  let chosen: string | undefined;
  return {
    choose: (id: string | undefined): void => {
      chosen = id;
    },
    generateTraceId: (): string => random.generateTraceId(),
    generateSpanId: (): string => {
      const id = chosen ?? random.generateSpanId();
      chosen = undefined;
      return id;
    },
  };
}

/** Waits for work of which nobody needs the result, but no longer than this. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => undefined), timeout]);
  clearTimeout(timer);
}
