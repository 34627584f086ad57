import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { until } from '../support/until.ts';
import { TOOLS } from './tools.ts';

/** Is a span as the collector has received it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Is empty for the first span of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly isError: boolean;
  readonly ms: number;
  readonly resource: Readonly<Record<string, string | number | boolean>>;
}

/** Is the OTLP receiver of the OpenTelemetry collector, in a process of its own. */
export interface Collector {
  /** Is `http://host:port` for each protocol. */
  readonly grpcUrl: string;
  readonly httpUrl: string;
  /** Lists the spans that it has received so far. */
  spans(): readonly ReceivedSpan[];
  /** Returns everything that it has received so far, as JSON. */
  text(): string;
  /** Resolves with the first span that `matches`. */
  span(what: string, matches: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan>;
  close(): Promise<void>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, string | number | boolean>>;
}

interface Batch {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly Attribute[];
  readonly status?: { readonly code?: number };
}

/** Starts a collector on free ports of loopback. */
export async function startCollector(): Promise<Collector> {
  const child = spawn(TOOLS.otelcol, [], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const first = await until('the addresses of the collector', () => lines[0]);
  const { grpc, http } = JSON.parse(first) as { grpc: string; http: string };
  const spans = () => lines.slice(1).flatMap((line) => spansOf(JSON.parse(line) as Batch));
  return {
    grpcUrl: `http://${grpc}`,
    httpUrl: `http://${http}`,
    spans,
    text: () => lines.slice(1).join('\n'),
    span: (what, matches) => until(what, () => spans().find(matches)),
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

const KINDS = { 1: 'internal', 2: 'server', 3: 'client' } as const;
const ERROR = 2;

function spansOf({ resourceSpans }: Batch): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map(({ traceId, spanId, parentSpanId = '', name, kind, attributes = [], status, ...times }) => ({
        ...{ traceId, spanId, parentSpanId, name, kind: KINDS[kind as keyof typeof KINDS] },
        attributes: valuesOf(attributes),
        isError: status?.code === ERROR,
        ms: Number(BigInt(times.endTimeUnixNano) - BigInt(times.startTimeUnixNano)) / 1e6,
        resource: valuesOf(resource.attributes),
      })),
  );
}

function valuesOf(attributes: readonly Attribute[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value: { intValue, ...other } }) => [
      key,
      intValue === undefined ? (Object.values(other)[0] ?? '') : Number(intValue),
    ]),
  );
}
