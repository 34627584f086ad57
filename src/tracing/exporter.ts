import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '../config/tracing.ts';

/** Loads the exporter of a protocol. It reads all variables OTEL_EXPORTER_OTLP_* itself, but not the files of headers. */
export async function loadExporter({
  protocol,
  headers,
}: Pick<TracingSettings, 'protocol' | 'headers'>): Promise<SpanExporter> {
  if (protocol === 'grpc') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-grpc');
    const { Metadata } = await import('@grpc/grpc-js');
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new OTLPTraceExporter({ metadata });
  }
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter({ headers });
}
