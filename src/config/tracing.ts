import type { z } from 'zod';
import { checkedAttributes, parseHeaders } from './name-value-list.ts';
import { readSecret } from './read-secret.ts';
import { readTextFile } from './schema.ts';
import * as values from './values.ts';

/** How traces are exported. Endpoint, time limit, compression and certificates are read by the exporter itself. */
export interface TracingSettings {
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly sampler: (typeof SAMPLERS)[number];
  /** The share of traces that the `traceidratio` samplers keep, from 0 to 1. */
  readonly samplerRatio: number;
  /** How many finished spans wait at most. More are dropped. */
  readonly maxQueuedSpans: number;
  readonly maxBatchSpans: number;
  readonly batchDelayMs: number;
  readonly exportTimeoutMs: number;
  /** The headers for the collector, decoded. They hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Describes one standard variable of OpenTelemetry, in the words of docs/config.md. */
interface TracingVariable {
  readonly type: z.ZodType<unknown, string>;
  /** The text that an absent variable stands for, or a phrase in brackets. */
  readonly default: string;
  readonly meaning: string;
  /** Says that the value is never shown and may also be read from the file that `NAME_FILE` names. */
  readonly secret?: true;
}

type Environment = Readonly<Record<string, string | undefined>>;

const PROTOCOLS = ['http/protobuf', 'grpc'] as const;
const SAMPLERS = [
  ...(['always_on', 'always_off', 'traceidratio'] as const),
  ...(['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const),
] as const;
const MAX_MS = 3_600_000;
// A span takes about 2 KB, so this is 128 MB.
const MAX_QUEUED_SPANS = 65_536;

// A problem never shows these values: they may hold a password, a token or a private path.
const endpoint = values.parsed((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new RangeError('must be a URL that begins with http:// or https://');
  if (url.username !== '' || url.password !== '')
    throw new RangeError('must not hold a user or password: put them into OTEL_EXPORTER_OTLP_HEADERS');
  if (url.hash !== '') throw new RangeError('must not have a fragment (#)');
  return text;
});

const headers = values.parsed(parseHeaders);
const attributes = values.parsed(checkedAttributes);

const file = values.parsed((path) => {
  readTextFile(path);
  return path;
});

const ratio = values.parsed((text) => {
  const value = /^[\d.]+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0 && value <= 1)) throw new RangeError(`must be a number from 0 to 1, not "${text}"`);
  return value;
});

/** Describes a variable of the exporter. Its variant for traces, `…_OTLP_TRACES_…`, wins over it. */
function ofExporter(
  suffix: string,
  type: TracingVariable['type'],
  fallback: string,
  meaning: string,
): Record<string, TracingVariable> {
  const kind = suffix === 'HEADERS' ? { type, secret: true as const } : { type };
  return {
    [`OTEL_EXPORTER_OTLP_${suffix}`]: { ...kind, default: fallback, meaning },
    [`OTEL_EXPORTER_OTLP_TRACES_${suffix}`]: {
      ...kind,
      default: `(\`OTEL_EXPORTER_OTLP_${suffix}\`)`,
      meaning: 'The same for traces alone.',
    },
  };
}

/** Holds the standard variables of OpenTelemetry that callhooks reads. */
export const TRACING_VARIABLES: Readonly<Record<string, TracingVariable>> = {
  OTEL_SDK_DISABLED: {
    type: values.parsed((text) => /^true$/i.test(text)),
    default: 'false',
    meaning: '`true` turns traces off, whatever the other variables say.',
  },
  OTEL_TRACES_EXPORTER: {
    type: values.choice(['otlp', 'none']),
    default: '(`otlp` if an endpoint is set, otherwise `none`)',
    meaning: '`otlp` sends traces to a collector; `none` turns them off.',
  },
  ...ofExporter(
    'ENDPOINT',
    endpoint,
    '(`http://localhost:4318`, or with `grpc` `http://localhost:4317`)',
    'The URL of the collector. With `http/protobuf`, `/v1/traces` is added to it, but not to the variant for traces.',
  ),
  ...ofExporter('PROTOCOL', values.choice(PROTOCOLS), 'http/protobuf', '`http/protobuf` or `grpc`.'),
  ...ofExporter(
    'HEADERS',
    headers,
    '(none)',
    'Headers for the collector, such as tokens: `name=value`, with commas between them. They are never shown.',
  ),
  ...ofExporter(
    'TIMEOUT',
    values.count(1, MAX_MS),
    '10000',
    'How many milliseconds one export may take, with its repeats.',
  ),
  ...ofExporter(
    'COMPRESSION',
    values.choice(['gzip', 'none']),
    'none',
    '`gzip` compresses what is exported.',
  ),
  ...ofExporter(
    'CERTIFICATE',
    file,
    '(the public authorities)',
    'A PEM file with the authorities that are trusted at the collector.',
  ),
  ...ofExporter(
    'CLIENT_CERTIFICATE',
    file,
    '(none)',
    'A PEM file with the certificate that callhooks shows.',
  ),
  ...ofExporter('CLIENT_KEY', file, '(none)', 'A PEM file with the private key of that certificate.'),
  OTEL_SERVICE_NAME: {
    type: values.parsed((text) => text),
    default: 'callhooks',
    meaning: 'The `service.name` of all spans.',
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    type: attributes,
    default: '(`service.version` and `service.instance.id`)',
    meaning:
      'More attributes of this process, such as `deployment.environment.name=production`. They win over those of callhooks.',
  },
  OTEL_TRACES_SAMPLER: {
    type: values.choice(SAMPLERS),
    default: 'parentbased_always_on',
    meaning: `Which traces are kept: ${SAMPLERS.map((name) => `\`${name}\``).join(', ')}.`,
  },
  OTEL_TRACES_SAMPLER_ARG: {
    type: ratio,
    default: '1',
    meaning: 'The share of traces that the `traceidratio` samplers keep, from 0 to 1.',
  },
  OTEL_BSP_MAX_QUEUE_SIZE: {
    type: values.count(1, MAX_QUEUED_SPANS),
    default: '2048',
    meaning: `How many finished spans wait for their export, at most ${MAX_QUEUED_SPANS}. More are dropped and counted.`,
  },
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: {
    type: values.count(1, MAX_QUEUED_SPANS),
    default: '512',
    meaning: 'How many spans one export has. It must not be above `OTEL_BSP_MAX_QUEUE_SIZE`.',
  },
  OTEL_BSP_SCHEDULE_DELAY: {
    type: values.count(1, MAX_MS),
    default: '5000',
    meaning: 'After how many milliseconds a batch that is not full is exported.',
  },
  OTEL_BSP_EXPORT_TIMEOUT: {
    type: values.count(1, MAX_MS),
    default: '30000',
    meaning: 'After how many milliseconds the next batch no longer waits for an export.',
  },
};

/**
 * Reads the standard variables of OpenTelemetry. `tracing` is absent when they ask for no traces; then nothing else of them
 * is checked, because platforms set them for all programs alike.
 */
export function readTracing(env: Environment): {
  readonly tracing?: TracingSettings;
  readonly problems: readonly string[];
} {
  const text = (name: string): string | undefined => env[name]?.trim() || undefined;
  if (!wantsTraces(text)) return { problems: [] };
  const problems: string[] = [];
  const read = (name: string, { type, secret }: TracingVariable): unknown => {
    const value = secret === true ? secretOf(env, name, problems) : text(name);
    if (value === undefined) return undefined;
    const { error, data } = type.safeParse(value);
    for (const { message } of error?.issues ?? []) problems.push(`${name} ${message}`);
    return data;
  };
  const found = Object.fromEntries(
    Object.entries(TRACING_VARIABLES).map(([name, variable]) => [name, read(name, variable)]),
  );
  const number = (name: string): number => Number(found[name] ?? TRACING_VARIABLES[name]?.default);
  const tracing: TracingSettings = {
    protocol: (found['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ??
      found['OTEL_EXPORTER_OTLP_PROTOCOL'] ??
      'http/protobuf') as TracingSettings['protocol'],
    sampler: (found['OTEL_TRACES_SAMPLER'] ?? 'parentbased_always_on') as TracingSettings['sampler'],
    samplerRatio: number('OTEL_TRACES_SAMPLER_ARG'),
    maxQueuedSpans: number('OTEL_BSP_MAX_QUEUE_SIZE'),
    maxBatchSpans: number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
    batchDelayMs: number('OTEL_BSP_SCHEDULE_DELAY'),
    exportTimeoutMs: number('OTEL_BSP_EXPORT_TIMEOUT'),
    headers: {
      ...(found['OTEL_EXPORTER_OTLP_HEADERS'] as TracingSettings['headers'] | undefined),
      ...(found['OTEL_EXPORTER_OTLP_TRACES_HEADERS'] as TracingSettings['headers'] | undefined),
    },
  };
  if (tracing.maxBatchSpans > tracing.maxQueuedSpans)
    problems.push('OTEL_BSP_MAX_EXPORT_BATCH_SIZE must not be above OTEL_BSP_MAX_QUEUE_SIZE');
  return { tracing, problems };
}

function secretOf(env: Environment, name: string, problems: string[]): string | undefined {
  try {
    return readSecret(env, name)?.trim() || undefined;
  } catch (error) {
    problems.push((error as RangeError).message);
    return undefined;
  }
}

function wantsTraces(text: (name: string) => string | undefined): boolean {
  if (/^true$/i.test(text('OTEL_SDK_DISABLED') ?? '')) return false;
  const exporter = text('OTEL_TRACES_EXPORTER');
  if (exporter !== undefined) return exporter !== 'none';
  return (
    text('OTEL_EXPORTER_OTLP_ENDPOINT') !== undefined ||
    text('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') !== undefined
  );
}

/**
 * Returns what is in effect of the traces, one setting a line. Headers are shown as set, and of an endpoint's URL only scheme,
 * host and port, because some collectors take their token in the path or the query. Expects a valid environment.
 */
export function tracingReport(env: Environment): string {
  const { tracing } = readTracing(env);
  if (tracing === undefined) return 'traces: off\n';
  const set = Object.entries(TRACING_VARIABLES).flatMap(([name, { secret }]) => {
    const text = env[name]?.trim();
    const file = secret === true ? env[`${name}_FILE`]?.trim() : undefined;
    if (file) return [`${name}  set, from ${file}\n`];
    return text ? [`${name}  ${secret === true ? 'set' : shown(name, text)}\n`] : [];
  });
  return `traces: exported with ${tracing.protocol}\n${set.join('')}`;
}

function shown(name: string, text: string): string {
  if (!name.endsWith('ENDPOINT')) return text;
  const { origin, pathname, search } = new URL(text);
  return `${origin}${pathname === '/' && search === '' ? '' : '/…'}`;
}
