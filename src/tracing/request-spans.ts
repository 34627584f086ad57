import { SpanKind, type Attributes, type Span } from '@opentelemetry/api';
import { readTraceparent, spanIdOf } from '../domain/trace-context.ts';
import type { HttpExecutor, OutgoingRequest, SendResult } from '../http/http-client.ts';
import { failSpan, type Spans } from './spans.ts';

/**
 * Returns the executor with a span for each request that a traced execution sends: of a webhook, with all its redirects, or
 * for an access token. The span has the id that the request's `traceparent` names. Of the URL it has scheme, host and port.
 */
export function withRequestSpans<T extends Pick<HttpExecutor, 'send'>>(executor: T, spans: Spans): T {
  const send: HttpExecutor['send'] = async (request, options) => {
    if (spans.current() === undefined) return executor.send(request, options);
    const traceparent = readTraceparent(request.headers['traceparent']);
    const span = spans.start(request.method, {
      kind: SpanKind.CLIENT,
      attributes: attributesOf(request),
      spanId: traceparent && spanIdOf(traceparent),
    });
    try {
      const result = await executor.send(request, options);
      describeResult(span, result);
      return result;
    } catch (error) {
      failSpan(span, 'INTERNAL');
      throw error;
    } finally {
      span.end();
    }
  };
  return { ...executor, send };
}

function attributesOf({ method, url, headers }: OutgoingRequest): Attributes {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  const executionUuid = headers['callhooks-execution'];
  return {
    'http.request.method': method,
    ...(target && {
      'url.scheme': target.protocol.slice(0, -1),
      'server.address': target.hostname,
      'server.port': Number(target.port) || (target.protocol === 'https:' ? 443 : 80),
    }),
    ...(executionUuid === undefined ? {} : { 'callhooks.execution_uuid': executionUuid }),
  };
}

const PHASES = { dnsMs: 'dns', connectMs: 'connect', tlsMs: 'tls', firstByteMs: 'first_byte' } as const;

function describeResult(span: Span, { failure, response, timings }: SendResult): void {
  for (const [phase, name] of Object.entries(PHASES)) {
    const ms = timings[phase as keyof typeof PHASES];
    if (ms !== undefined) span.setAttribute(`callhooks.${name}_ms`, ms);
  }
  if (response !== undefined) {
    span.setAttribute('http.response.status_code', response.status);
    span.setAttribute('network.protocol.version', '1.1');
  }
  if (failure === undefined) return;
  span.setAttribute('callhooks.failure_code', failure.code);
  span.setAttribute('callhooks.sent', failure.sent);
  failSpan(span, response !== undefined && response.status >= 400 ? String(response.status) : failure.code);
}
