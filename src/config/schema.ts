import { readFileSync } from 'node:fs';
import { z } from 'zod';
import * as values from './values.ts';
import { parseApiTokens, type ApiToken } from '../access/api-tokens.ts';
import { parseEgressEntries } from '../http/egress/egress-entries.ts';
import { parseProxyUrl } from '../http/egress/proxy-url.ts';
import { LOG_LEVELS } from '../logger.ts';
import { parseEncryptionKeys, type EncryptionKey } from '../secrets/encryption-keys.ts';

const MIB = 1024 ** 2;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Describes one environment variable, in the words of docs/config.md. */
interface Setting {
  /** The text that an absent variable stands for, or a phrase in brackets that says what callhooks does without it. */
  readonly default: string;
  readonly meaning: string;
  /** Reports whether the value is never shown and may also be read from the file that `NAME_FILE` names. */
  readonly secret: boolean;
}

type TextSchema = z.ZodType<unknown, string>;

/** Describes a variable that has a default value. */
function setting<T extends TextSchema>(type: T, fallback: string, meaning: string) {
  return z.prefault(type, fallback as z.input<T> & {}).meta({ default: fallback, meaning, secret: false });
}

/** Describes a variable that may be absent. `unset` says what callhooks does then. */
function optional<T extends TextSchema>(type: T, unset: string, meaning: string) {
  return z.optional(type).meta({ default: `(${unset})`, meaning, secret: false });
}

/** Describes a secret variable that may be absent. `unset` says what callhooks does then. */
function secret<T extends TextSchema>(type: T, unset: string, meaning: string) {
  return z.optional(type).meta({ default: `(${unset})`, meaning, secret: true });
}

const encryptionKeys = values.parsed((text): readonly EncryptionKey[] => {
  const { keys, problems } = parseEncryptionKeys(text);
  if (problems.length > 0) throw new RangeError(problems.join('; '));
  return keys;
});

const apiTokens = values.parsed((text): readonly ApiToken[] => {
  const { tokens, problems } = parseApiTokens(text);
  if (problems.length > 0) throw new RangeError(problems.join('; '));
  return tokens;
});

const egressEntries = values.parsed((text): readonly string[] => {
  const { entries, problems } = parseEgressEntries(text);
  if (problems.length > 0) throw new RangeError(`holds ${problems.join('; ')}`);
  return entries.map((entry) => entry.text);
});

const proxyUrl = values.parsed(parseProxyUrl);

const certificateFile = values.parsed((file) => values.parseCertificates(readTextFile(file)));

/** Holds every environment variable that callhooks reads, with its checks. An absent variable takes its default. */
export const configSchema = z.object({
  CALLHOOKS_LISTEN: setting(
    values.listenAddress,
    '127.0.0.1:50051',
    'The address of the gRPC server, `host:port`. Port 0 means a free port. An address other than loopback needs TLS (or `CALLHOOKS_INSECURE=true`) and tokens (or `CALLHOOKS_AUTH=none`).',
  ),
  CALLHOOKS_HEALTH_LISTEN: setting(
    values.addressOrOff,
    'off',
    'The address of a second gRPC port in plaintext, which answers `grpc.health.v1` alone, to everybody. It is for probes that know no TLS, such as those of Kubernetes.',
  ),
  CALLHOOKS_OPS_LISTEN: setting(
    values.addressOrOff,
    '127.0.0.1:9464',
    'The address of the operations port, plain HTTP: `GET /metrics` ([metrics](metrics.md), in the Prometheus format), `/healthz` and `/readyz` ([below](#the-operations-port)). `off` opens no such port. Anyone who can connect to it can read these; they show no data of calls. The console on it asks for a token.',
  ),
  CALLHOOKS_CONSOLE: setting(
    values.flag,
    'true',
    '`false` serves no [console](console.md) on the operations port. Where there are tokens, people log in with one. Without tokens it is served on loopback alone, or with `CALLHOOKS_AUTH=none`.',
  ),
  CALLHOOKS_TLS_CERT_FILE: optional(
    values.path,
    'plaintext',
    'A PEM file with the certificate of the gRPC server, and behind it those of the authorities between it and the root. It needs `CALLHOOKS_TLS_KEY_FILE`. Both are read again when they change; files that are damaged, or do not fit each other, change nothing.',
  ),
  CALLHOOKS_TLS_KEY_FILE: optional(
    values.path,
    'plaintext',
    'A PEM file with the private key of that certificate, without a passphrase.',
  ),
  CALLHOOKS_TLS_CLIENT_CA_FILE: optional(
    values.path,
    'clients need no certificate',
    'A PEM file with authorities. Only clients with a certificate of one of them can connect then (mutual TLS). Which RPCs they may call is up to their tokens. The file is read again when it changes.',
  ),
  CALLHOOKS_AUTH_TOKENS: secret(
    apiTokens,
    'loopback only, without tokens',
    'The tokens that may call RPCs. Each entry is `name:role:sha256`, as `callhooks token` prints it; commas or white space separate several. `viewer` may read agents, webhooks and executions, `lifecycle` may report calls and read executions, and `admin` may do everything.',
  ),
  CALLHOOKS_INSECURE: setting(
    values.flag,
    'false',
    '`true` allows plaintext gRPC on an address other than loopback, and logins to the console over plain HTTP. Anyone who can read the network traffic sees tokens, phone numbers and secrets.',
  ),
  CALLHOOKS_AUTH: optional(
    values.choice(['none']),
    'tokens, or loopback only',
    '`none` lets anyone who can connect to the gRPC port call every RPC, and anyone who can connect to the operations port use the console, also from other machines.',
  ),
  CALLHOOKS_DATA_DIR: setting(values.path, './data', 'The folder of the embedded database and its key file.'),
  DATABASE_URL: secret(
    values.databaseUrl,
    'embedded SQLite in `CALLHOOKS_DATA_DIR`',
    'The URL of a MySQL or MariaDB database: `mysql://user:password@host:3306/database`. `?ssl-mode=` may follow it: `PREFERRED` (the default: TLS if the server offers it), `REQUIRED`, `VERIFY_CA`, `VERIFY_IDENTITY` or `DISABLED`. Any other parameter is an error. [MySQL and MariaDB](mysql.md) says more.',
  ),
  CALLHOOKS_DATABASE_CA_FILE: optional(
    certificateFile,
    'the public authorities',
    'A file of PEM certificates. callhooks trusts these authorities alone at the database. It needs `ssl-mode=VERIFY_CA` or `ssl-mode=VERIFY_IDENTITY` in `DATABASE_URL`.',
  ),
  CALLHOOKS_MIGRATE: setting(
    values.flag,
    'false',
    '`true` applies pending migrations at the start on MySQL and MariaDB. Otherwise `callhooks migrate` applies them. The embedded database always migrates itself.',
  ),
  CALLHOOKS_ENCRYPTION_KEYS: secret(
    encryptionKeys,
    'a key file in `CALLHOOKS_DATA_DIR`',
    'The keys that encrypt stored secrets. Each key is `id:base64-of-32-bytes`; commas or white space separate several keys. The first key encrypts, and all keys decrypt. Required with `DATABASE_URL`.',
  ),
  CALLHOOKS_EGRESS_ALLOW: setting(
    egressEntries,
    '',
    'The private targets that webhooks may reach. Each target is an address, a CIDR, a host or a `*.` name, with an optional port; commas or white space separate several targets.',
  ),
  CALLHOOKS_EGRESS_DENY: setting(
    egressEntries,
    '',
    'The targets that webhooks must not reach, in the same form. They win over every other rule.',
  ),
  CALLHOOKS_EGRESS_HTTPS_ONLY: setting(values.flag, 'false', '`true` refuses `http:` URLs of webhooks.'),
  CALLHOOKS_EGRESS_PROXY: secret(
    proxyUrl,
    'requests go directly to endpoints',
    'The proxy that all requests of webhooks go through, by CONNECT: `http://host:port` or `https://host:port`, with `user:password@` before the host if the proxy asks for them. It may have a private address. `HTTP_PROXY` and its like are ignored.',
  ),
  CALLHOOKS_EGRESS_NO_PROXY: setting(
    egressEntries,
    '',
    'The targets that requests reach without the proxy, in the form of `CALLHOOKS_EGRESS_ALLOW`. An address or CIDR also means the names that resolve to nothing else.',
  ),
  CALLHOOKS_EGRESS_PROXY_RESOLVES: setting(
    values.flag,
    'false',
    '`true` leaves the look-up of names to the proxy, for networks whose DNS does not know public names. **callhooks then checks names, but not their addresses**: the proxy has to refuse private ones.',
  ),
  CALLHOOKS_CA_FILE: optional(
    certificateFile,
    'the public authorities only',
    'A file of PEM certificates. callhooks trusts these authorities at endpoints, and at the proxy, besides the public ones.',
  ),
  CALLHOOKS_DNS_SERVERS: optional(
    values.nameServers,
    "the system's name servers",
    'The name servers that resolve the hosts of webhooks. Each one is an address with an optional port; commas or white space separate several.',
  ),
  CALLHOOKS_SEND_TRACEPARENT: setting(
    values.flag,
    'true',
    '`false` sends no `traceparent` header to endpoints.',
  ),
  CALLHOOKS_MAX_RESPONSE_BYTES: setting(
    values.bytes(1, 4 * MIB),
    '256KiB',
    'The largest response of a webhook with assignments, at most 4MiB. A larger response fails as `RESPONSE_TOO_LARGE`.',
  ),
  CALLHOOKS_RECORD_BODY_BYTES: setting(
    values.bytes(0, MIB / 16),
    '4KiB',
    'How many bytes of each request and response body an execution records, at most 64KiB. 0 records no bodies.',
  ),
  CALLHOOKS_MAX_PRE_CALLS: setting(
    values.count(1, 1_000_000),
    '4000',
    'How many calls of `OnCallStart` (repeats too) and `TestWebhook` may be in flight. callhooks refuses more calls with `LIMIT_REACHED`.',
  ),
  CALLHOOKS_MAX_PRE_CALLS_PER_ORIGIN: setting(
    values.count(1, 1_000_000),
    '1000',
    'How many pre-calls and sent tests may be in flight to one origin. One more fails as `OVERLOADED`.',
  ),
  CALLHOOKS_MAX_POST_CALLS: setting(
    values.count(1, 1_000_000),
    '1024',
    'How many post-calls are sent at the same time. The others wait.',
  ),
  CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN: setting(
    values.count(1, 1_000_000),
    '128',
    'How many post-calls are sent to one origin at the same time. The others wait.',
  ),
  CALLHOOKS_MAX_BACKLOG: setting(
    values.count(1, 1_000_000_000),
    '1000000',
    'How many accepted post-calls may be pending, counted every 10 s. Above this number, callhooks refuses `OnCallEnd` with `LIMIT_REACHED`.',
  ),
  CALLHOOKS_MAX_BUFFERED_BYTES: setting(
    values.bytes(16 * MIB, MIB * MIB),
    '256MiB',
    'How much memory the messages, bodies and unwritten outcomes of calls in flight may take. Above this, callhooks refuses new calls with `LIMIT_REACHED`. It begins to send a post-call only while less than half of the memory is reserved.',
  ),
  CALLHOOKS_START_BY: setting(
    values.duration(0, 365 * DAY_MS),
    '24h',
    'How long an accepted post-call may be pending. After that it fails as `EXPIRED`. 0 sets no limit.',
  ),
  CALLHOOKS_RETENTION_DAYS: setting(
    values.count(1, 36_500),
    '30',
    'After how many days finished executions are removed, with their recorded bodies. The key (conversation, type) of each one stays, so that a late repeat does not run the webhook again.',
  ),
  CALLHOOKS_KEY_RETENTION_DAYS: setting(
    values.count(0, 36_500),
    '0',
    'After how many days the keys of removed executions are removed too. 0 keeps them for ever. Choose more days than the platform may take to repeat a call: a later repeat runs the webhook again.',
  ),
  CALLHOOKS_REFLECTION: setting(
    values.flag,
    'true',
    '`false` turns gRPC reflection off. Where there are tokens, it needs a token of any role.',
  ),
  CALLHOOKS_LOG_LEVEL: setting(
    values.choice(LOG_LEVELS),
    'info',
    `The minimum log level: ${LOG_LEVELS.map((level) => `\`${level}\``).join(', ')}.`,
  ),
  CALLHOOKS_INSTANCE: optional(
    values.instanceName,
    'host name, process id and random digits',
    'The name of this replica in logs and executions. Each replica needs a name of its own.',
  ),
  CALLHOOKS_SHUTDOWN_GRACE: setting(
    values.duration(1000, 60 * MINUTE_MS),
    '65s',
    'How long running executions may take to finish after SIGTERM or SIGINT. A grace above the longest time limit (60s) interrupts none of them.',
  ),
});

/** The values that {@link configSchema} makes of the variables. */
export type ConfigValues = z.output<typeof configSchema>;
/** The name of a variable. */
export type VariableName = keyof ConfigValues;

/** The names of all variables, in the order of docs/config.md. */
export const VARIABLE_NAMES = Object.keys(configSchema.shape) as readonly VariableName[];

/** Returns what docs/config.md says of a variable. */
export function settingOf(name: VariableName): Setting {
  return configSchema.shape[name].meta() as unknown as Setting;
}

/**
 * Returns the text of the file that a variable names.
 * @throws RangeError with the problem, when the file can't be read
 */
export function readTextFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new RangeError(`names a file that can't be read (${code}): ${file}`);
  }
}
