import { readFileSync } from 'node:fs';
import { z } from 'zod';
import * as values from './values.ts';
import { parseEgressEntries } from '../http/egress/egress-entries.ts';
import { LOG_LEVELS } from '../logger.ts';
import { parseEncryptionKeys, type EncryptionKey } from '../secrets/encryption-keys.ts';

const MIB = 1024 ** 2;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** What one environment variable is, as docs/config.md says it too. */
export interface Setting {
  /** The text that stands for an absent variable, or in brackets what happens then. */
  readonly default: string;
  readonly meaning: string;
  /** Never shown, and also read from the file that `NAME_FILE` names. */
  readonly secret: boolean;
}

type TextSchema = z.ZodType<unknown, string>;

const setting = <T extends TextSchema>(type: T, fallback: string, meaning: string) =>
  z.prefault(type, fallback as z.input<T> & {}).meta({ default: fallback, meaning, secret: false });
const optional = <T extends TextSchema>(type: T, unset: string, meaning: string) =>
  z.optional(type).meta({ default: `(${unset})`, meaning, secret: false });
const secret = <T extends TextSchema>(type: T, unset: string, meaning: string) =>
  z.optional(type).meta({ default: `(${unset})`, meaning, secret: true });

const encryptionKeys = values.parsed((text): readonly EncryptionKey[] => {
  const { keys, problems } = parseEncryptionKeys(text);
  if (problems.length > 0) throw new RangeError(problems.join('; '));
  return keys;
});

const egressEntries = values.parsed((text): readonly string[] => {
  const { entries, problems } = parseEgressEntries(text);
  if (problems.length > 0) throw new RangeError(`holds ${problems.join('; ')}`);
  return entries.map((entry) => entry.text);
});

const certificateFile = values.parsed((file) => values.parseCertificates(readTextFile(file)));

/** Every environment variable that callhooks reads, with its checks. An absent one takes its default. */
export const configSchema = z.object({
  CALLHOOKS_LISTEN: setting(
    values.listenAddress,
    '127.0.0.1:50051',
    'Where gRPC is served, `host:port`; port 0 takes a free one. Off loopback it needs `CALLHOOKS_INSECURE=true` and `CALLHOOKS_AUTH=none`.',
  ),
  CALLHOOKS_OPS_LISTEN: setting(
    values.opsAddress,
    '127.0.0.1:9464',
    'Where the metrics are served, `GET /metrics` in the Prometheus format; `off` serves none. The page holds no data of calls, and asks nobody who reads it.',
  ),
  CALLHOOKS_INSECURE: setting(
    values.flag,
    'false',
    '`true` allows plaintext gRPC off loopback. Whoever can listen in reads phone numbers and secrets.',
  ),
  CALLHOOKS_AUTH: optional(
    values.choice(['none']),
    'loopback only',
    '`none` lets everybody who reaches the port do everything, off loopback too.',
  ),
  CALLHOOKS_DATA_DIR: setting(values.path, './data', 'The folder of the embedded database and its key file.'),
  DATABASE_URL: secret(
    values.databaseUrl,
    'embedded SQLite in `CALLHOOKS_DATA_DIR`',
    'MySQL or MariaDB: `mysql://user:password@host:3306/database`.',
  ),
  CALLHOOKS_MIGRATE: setting(
    values.flag,
    'false',
    '`true` applies pending migrations at start on MySQL and MariaDB; else `callhooks migrate` does. The embedded database always migrates itself.',
  ),
  CALLHOOKS_ENCRYPTION_KEYS: secret(
    encryptionKeys,
    'a key file in `CALLHOOKS_DATA_DIR`',
    'Keys for stored secrets: `id:base64-of-32-bytes`, several separated by commas or white space; the first encrypts, all decrypt. Required with `DATABASE_URL`.',
  ),
  CALLHOOKS_EGRESS_ALLOW: setting(
    egressEntries,
    '',
    'Private targets that webhooks may reach: addresses, CIDRs, hosts or `*.` names, each with an optional port, separated by commas or white space.',
  ),
  CALLHOOKS_EGRESS_DENY: setting(
    egressEntries,
    '',
    'Targets that webhooks may not reach, in the same form. Wins over everything else.',
  ),
  CALLHOOKS_EGRESS_HTTPS_ONLY: setting(values.flag, 'false', '`true` refuses `http:` URLs of webhooks.'),
  CALLHOOKS_CA_FILE: optional(
    certificateFile,
    'the public authorities only',
    'A file of PEM certificates of authorities to trust at endpoints, besides the public ones.',
  ),
  CALLHOOKS_DNS_SERVERS: optional(
    values.nameServers,
    "the system's",
    'Name servers for the hosts of webhooks: addresses with an optional port, separated by commas or white space.',
  ),
  CALLHOOKS_SEND_TRACEPARENT: setting(
    values.flag,
    'true',
    '`false` sends no `traceparent` header to endpoints.',
  ),
  CALLHOOKS_MAX_RESPONSE_BYTES: setting(
    values.bytes(1, 4 * MIB),
    '256KiB',
    'The largest response of a webhook with assignments; a larger one fails as `RESPONSE_TOO_LARGE`. At most 4MiB.',
  ),
  CALLHOOKS_RECORD_BODY_BYTES: setting(
    values.bytes(0, MIB / 16),
    '4KiB',
    'How much of each request and response body an execution records; 0 is none, at most 64KiB.',
  ),
  CALLHOOKS_MAX_PRE_CALLS: setting(
    values.count(1, 1_000_000),
    '4000',
    '`OnCallStart` (repeats too) and `TestWebhook` in flight in all; beyond it they are refused with `LIMIT_REACHED`.',
  ),
  CALLHOOKS_MAX_PRE_CALLS_PER_ORIGIN: setting(
    values.count(1, 1_000_000),
    '1000',
    'Pre-calls and sent tests in flight to one origin; beyond it the execution fails as `OVERLOADED`.',
  ),
  CALLHOOKS_MAX_POST_CALLS: setting(
    values.count(1, 1_000_000),
    '1024',
    'Post-calls sent at once in all; beyond it they wait.',
  ),
  CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: setting(
    values.count(1, 1_000_000),
    '128',
    'Post-calls sent at once to one origin; beyond it they wait.',
  ),
  CALLHOOKS_MAX_BACKLOG: setting(
    values.count(1, 1_000_000_000),
    '1000000',
    'Accepted post-calls that wait; beyond it `OnCallEnd` is refused with `LIMIT_REACHED`. Counted every 10 s.',
  ),
  CALLHOOKS_MAX_BUFFERED_BYTES: setting(
    values.bytes(16 * MIB, MIB * MIB),
    '256MiB',
    'Memory for messages, bodies and unwritten outcomes of calls in flight; beyond it new calls are refused with `LIMIT_REACHED`. Post-calls begin while less than half of it is held.',
  ),
  CALLHOOKS_START_BY: setting(
    values.duration(0, 365 * DAY_MS),
    '24h',
    'An accepted post-call that was not begun by then ends as `EXPIRED`; 0 is never.',
  ),
  CALLHOOKS_RETENTION_DAYS: setting(
    values.count(1, 36_500),
    '30',
    'Days after which ended executions are removed with their recorded bodies. The key (conversation, type) of each stays, so that a late repeat does not run again.',
  ),
  CALLHOOKS_KEY_RETENTION_DAYS: setting(
    values.count(0, 36_500),
    '0',
    'Days after which the keys of removed executions go too; 0 is never. Choose more than the platform may take to repeat a call: a repeat after that runs the webhook again.',
  ),
  CALLHOOKS_REFLECTION: setting(values.flag, 'true', '`false` serves no gRPC reflection.'),
  CALLHOOKS_LOG_LEVEL: setting(
    values.choice(LOG_LEVELS),
    'info',
    `The least telling lines that are written: ${LOG_LEVELS.map((level) => `\`${level}\``).join(', ')}.`,
  ),
  CALLHOOKS_INSTANCE: optional(
    values.instanceName,
    'host name, process id and random digits',
    'The name of this replica in logs and executions, different for each.',
  ),
  CALLHOOKS_SHUTDOWN_GRACE: setting(
    values.duration(1000, 60 * MINUTE_MS),
    '65s',
    'How long running executions may take to end after SIGTERM or SIGINT. Longer than the longest time limit (60s) interrupts none.',
  ),
});

/** What {@link configSchema} makes of the variables. */
export type ConfigValues = z.output<typeof configSchema>;
/** The name of a variable. */
export type VariableName = keyof ConfigValues;

/** All names, in the order of the documentation. */
export const VARIABLE_NAMES = Object.keys(configSchema.shape) as readonly VariableName[];

/** What the documentation says of a variable. */
export const settingOf = (name: VariableName): Setting =>
  configSchema.shape[name].meta() as unknown as Setting;

/** The text of a file that a variable names. @throws RangeError */
export function readTextFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new RangeError(`names a file that can't be read (${code}): ${file}`);
  }
}
