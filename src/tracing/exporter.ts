import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '../config/tracing.ts';

/** Loads the exporter of a protocol. It reads the variables OTEL_EXPORTER_OTLP_* itself. */
export async function loadExporter(protocol: TracingSettings['protocol']): Promise<SpanExporter> {
  if (protocol === 'grpc') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-grpc');
    return new OTLPTraceExporter();
  }
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter();
}
