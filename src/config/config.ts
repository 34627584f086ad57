import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { CLIENT_VARIABLES } from './client-variables.ts';
import { databaseProblems } from './database.ts';
import type { ListenAddress } from './listen-address.ts';
import { nearestName } from './nearest-name.ts';
import { readSecret } from './read-secret.ts';
import { configSchema, settingOf, VARIABLE_NAMES, type ConfigValues, type VariableName } from './schema.ts';
import { readTls, servingProblems, type Tls } from './serving.ts';
import { readTracing, type TracingSettings } from './tracing.ts';
import type { ApiToken } from '../access/api-tokens.ts';
import { ConfigError } from '../errors.ts';
import type { ProxyServer } from '../http/egress/proxy-url.ts';
import type { LogLevel } from '../logger.ts';
import type { EncryptionKey } from '../secrets/encryption-keys.ts';

/** Holds the settings of a process. Each field is named after its variable (docs/config.md), with its unit in the name. */
export interface Config {
  readonly listen: ListenAddress;
  /** Health is served on the gRPC port alone when it is undefined. */
  readonly healthListen: ListenAddress | undefined;
  /** gRPC is served in plaintext when it is undefined. */
  readonly tls: Tls | undefined;
  /** Everybody who can connect may call every RPC when it is undefined. */
  readonly apiTokens: readonly ApiToken[] | undefined;
  /** `none`: everybody may call everything, also from other machines. */
  readonly auth: 'none' | undefined;
  /** Plaintext is allowed on addresses other than loopback. */
  readonly insecure: boolean;
  /** No metrics are served when it is undefined. */
  readonly opsListen: ListenAddress | undefined;
  readonly console: boolean;
  /** The absolute path of the data folder. */
  readonly dataDir: string;
  /** callhooks uses the embedded SQLite in `dataDir` when it is undefined. It holds a password. */
  readonly databaseUrl: string | undefined;
  /** PEM certificates of the authorities that are trusted at the database, instead of the public ones. */
  readonly databaseCertificates: string | undefined;
  readonly migrate: boolean;
  /** callhooks uses the key file in `dataDir` when it is undefined. */
  readonly encryptionKeys: readonly EncryptionKey[] | undefined;
  readonly egressAllow: readonly string[];
  readonly egressDeny: readonly string[];
  readonly egressHttpsOnly: boolean;
  /** Requests go directly to endpoints when it is undefined. It holds a password. */
  readonly egressProxy: ProxyServer | undefined;
  readonly egressNoProxy: readonly string[];
  readonly egressProxyResolves: boolean;
  /** The variables of the environment that name a proxy for other programs, and that callhooks ignores. */
  readonly ignoredProxyVariables: readonly string[];
  /** PEM certificates that are trusted at endpoints, besides the public authorities. */
  readonly endpointCertificates: string | undefined;
  /** callhooks uses the system's name servers when it is undefined. */
  readonly dnsServers: readonly string[] | undefined;
  readonly sendTraceparent: boolean;
  /** No traces are made when it is undefined. */
  readonly tracing: TracingSettings | undefined;
  readonly maxResponseBytes: number;
  readonly recordBodyBytes: number;
  readonly maxPreCalls: number;
  readonly maxPreCallsPerOrigin: number;
  readonly maxPostCalls: number;
  readonly maxPostCallsPerOrigin: number;
  readonly maxBacklog: number;
  readonly maxBufferedBytes: number;
  /** 0 sets no limit. */
  readonly startByMs: number;
  readonly retentionDays: number;
  /** 0 keeps the keys for ever. */
  readonly keyRetentionDays: number;
  readonly reflection: boolean;
  readonly logLevel: LogLevel;
  readonly instance: string;
  readonly shutdownGraceMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings from environment variables. An empty variable counts as absent. `NAME_FILE` may name a file with the
 * value of a secret variable. `pid` becomes a part of the default instance name.
 * @throws ConfigError with every problem; no problem shows a secret
 */
export function parseConfig(env: Environment, pid?: number): Config {
  const problems: string[] = [];
  const texts = readTexts(env, problems);
  const result = configSchema.safeParse(texts);
  for (const { path, message } of result.error?.issues ?? []) problems.push(`${String(path[0])} ${message}`);
  const tls = readTls(texts);
  problems.push(...unknownVariables(env), ...unsafeEnvironment(env), ...servingProblems(texts));
  problems.push(...databaseProblems(texts), ...missingProxy(texts), ...tls.problems);
  const { tracing, problems: tracingProblems } = readTracing(env);
  problems.push(...tracingProblems);
  if (result.data === undefined || problems.length > 0) throw new ConfigError(problems);
  const ignoredProxyVariables = PROXY_VARIABLES.filter((name) => env[name]);
  return Object.freeze({ ...toConfig(result.data, tls.tls, pid), ignoredProxyVariables, tracing });
}

function readTexts(env: Environment, problems: string[]): Partial<Record<VariableName, string>> {
  const texts: Partial<Record<VariableName, string>> = {};
  for (const name of VARIABLE_NAMES) {
    try {
      const text = (settingOf(name).secret ? readSecret(env, name) : env[name])?.trim();
      if (text) texts[name] = text;
    } catch (error) {
      problems.push((error as RangeError).message);
    }
  }
  return texts;
}

// Without this, requests would leave directly when the proxy is missing by mistake.
function missingProxy(texts: Partial<Record<VariableName, string>>): string[] {
  if (texts.CALLHOOKS_EGRESS_PROXY !== undefined) return [];
  const names: string[] = [];
  if (texts.CALLHOOKS_EGRESS_NO_PROXY !== undefined) names.push('CALLHOOKS_EGRESS_NO_PROXY');
  if (texts.CALLHOOKS_EGRESS_PROXY_RESOLVES === 'true') names.push('CALLHOOKS_EGRESS_PROXY_RESOLVES=true');
  return names.map((name) => `${name} means nothing without CALLHOOKS_EGRESS_PROXY: set that, or unset this`);
}

// Other programs read these. NO_PROXY alone names no proxy.
const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];

function unsafeEnvironment(env: Environment): string[] {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return [];
  return [
    'NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the verification of every certificate: unset it, and name the certificates of a private authority with CALLHOOKS_CA_FILE',
  ];
}

function unknownVariables(env: Environment): string[] {
  const known = VARIABLE_NAMES.flatMap((name) => (settingOf(name).secret ? [name, `${name}_FILE`] : [name]));
  return Object.keys(env)
    .filter((name) => name.startsWith('CALLHOOKS_') && env[name] !== undefined)
    .filter((name) => !known.includes(name) && !Object.hasOwn(CLIENT_VARIABLES, name))
    .map((name) => `${name} is not a variable of callhooks: did you mean ${nearestVariable(name, known)}?`);
}

function toConfig(
  values: ConfigValues,
  tls: Tls | undefined,
  pid: number | undefined,
): Omit<Config, 'ignoredProxyVariables' | 'tracing'> {
  return {
    listen: values.CALLHOOKS_LISTEN,
    healthListen: values.CALLHOOKS_HEALTH_LISTEN,
    tls,
    apiTokens: values.CALLHOOKS_AUTH_TOKENS,
    auth: values.CALLHOOKS_AUTH,
    insecure: values.CALLHOOKS_INSECURE,
    opsListen: values.CALLHOOKS_OPS_LISTEN,
    console: values.CALLHOOKS_CONSOLE,
    dataDir: values.CALLHOOKS_DATA_DIR,
    databaseUrl: values.DATABASE_URL,
    databaseCertificates: values.CALLHOOKS_DATABASE_CA_FILE,
    migrate: values.CALLHOOKS_MIGRATE,
    encryptionKeys: values.CALLHOOKS_ENCRYPTION_KEYS,
    egressAllow: values.CALLHOOKS_EGRESS_ALLOW,
    egressDeny: values.CALLHOOKS_EGRESS_DENY,
    egressHttpsOnly: values.CALLHOOKS_EGRESS_HTTPS_ONLY,
    egressProxy: values.CALLHOOKS_EGRESS_PROXY,
    egressNoProxy: values.CALLHOOKS_EGRESS_NO_PROXY,
    egressProxyResolves: values.CALLHOOKS_EGRESS_PROXY_RESOLVES,
    endpointCertificates: values.CALLHOOKS_CA_FILE,
    dnsServers: values.CALLHOOKS_DNS_SERVERS,
    sendTraceparent: values.CALLHOOKS_SEND_TRACEPARENT,
    maxResponseBytes: values.CALLHOOKS_MAX_RESPONSE_BYTES,
    recordBodyBytes: values.CALLHOOKS_RECORD_BODY_BYTES,
    maxPreCalls: values.CALLHOOKS_MAX_PRE_CALLS,
    maxPreCallsPerOrigin: values.CALLHOOKS_MAX_PRE_CALLS_PER_ORIGIN,
    maxPostCalls: values.CALLHOOKS_MAX_POST_CALLS,
    maxPostCallsPerOrigin: values.CALLHOOKS_MAX_POST_CALLS_PER_ORIGIN,
    maxBacklog: values.CALLHOOKS_MAX_BACKLOG,
    maxBufferedBytes: values.CALLHOOKS_MAX_BUFFERED_BYTES,
    startByMs: values.CALLHOOKS_START_BY,
    retentionDays: values.CALLHOOKS_RETENTION_DAYS,
    keyRetentionDays: values.CALLHOOKS_KEY_RETENTION_DAYS,
    reflection: values.CALLHOOKS_REFLECTION,
    logLevel: values.CALLHOOKS_LOG_LEVEL,
    instance: values.CALLHOOKS_INSTANCE ?? defaultInstance(pid),
    shutdownGraceMs: values.CALLHOOKS_SHUTDOWN_GRACE,
  };
}

// The random digits tell containers apart, because all of them may run as process 1 under one host name.
function defaultInstance(pid: number | undefined): string {
  const parts = [hostname().slice(0, 40) || 'unnamed', pid, randomBytes(4).toString('hex')];
  return parts.filter((part) => part !== undefined).join('-');
}

// Some variables lack the prefix, and people often add it to them.
function nearestVariable(name: string, known: readonly string[]): string {
  const withoutPrefix = (text: string) => text.replace(/^CALLHOOKS_/, '');
  const nearest = nearestName(withoutPrefix(name), known.map(withoutPrefix));
  return known.find((each) => withoutPrefix(each) === nearest) ?? nearest;
}
