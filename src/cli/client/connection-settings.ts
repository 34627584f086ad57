import { readFileSync } from 'node:fs';
import { toListenAddress } from '../../config/listen-address.ts';
import { UsageError } from '../frame/command.ts';
import type { ClientOptionValues } from './client-options.ts';

/** Says how to reach a server. */
export interface ConnectionSettings {
  readonly address: string;
  readonly token: string | undefined;
  /** The server is asked in plaintext when it is undefined. */
  readonly tls: ClientTls | undefined;
  readonly timeoutMs: number;
}

/** Holds the PEM texts of TLS. Without `ca` the public authorities are trusted. */
interface ClientTls {
  readonly ca: Buffer | undefined;
  readonly certificate: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly serverName: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const MAX_TIMEOUT_S = 3_600;

/**
 * Reads how to reach the server from options and environment.
 * @throws UsageError when they make no sense, or would send a token in plaintext to another machine
 */
export function connectionSettings(
  options: ClientOptionValues,
  env: Environment,
  defaultTimeoutS: number,
): ConnectionSettings {
  const named = options.address ?? (env['CALLHOOKS_ADDRESS']?.trim() || '127.0.0.1:50051');
  const { address, isLoopback } = readAddress(named, options.address === undefined);
  const token = readToken(env);
  const tls = readTls(options);
  if (token !== undefined && tls === undefined && !isLoopback && !options.insecure)
    throw new UsageError(
      `the token would go to ${address} in plaintext: use --tls, or --insecure if you trust the network`,
    );
  return { address, token, tls, timeoutMs: 1000 * readTimeout(options.timeout, defaultTimeoutS) };
}

function readAddress(text: string, isFromEnvironment: boolean) {
  try {
    return toListenAddress(text);
  } catch (error) {
    const name = isFromEnvironment ? 'CALLHOOKS_ADDRESS' : '--address';
    throw new UsageError(`${name} ${(error as RangeError).message}`, { cause: error });
  }
}

function readToken(env: Environment): string | undefined {
  const text = env['CALLHOOKS_TOKEN']?.trim() || undefined;
  const file = env['CALLHOOKS_TOKEN_FILE']?.trim() || undefined;
  if (text !== undefined && file !== undefined)
    throw new UsageError('CALLHOOKS_TOKEN and CALLHOOKS_TOKEN_FILE are both set: unset one of them');
  const token = file === undefined ? text : readFile('CALLHOOKS_TOKEN_FILE', file).toString().trim();
  if (token !== undefined && !/^[!-~]+$/.test(token))
    throw new UsageError(
      'the token must be one word of visible ASCII characters, as "callhooks token" prints it',
    );
  return token;
}

function readTls(options: ClientOptionValues): ClientTls | undefined {
  const { tls, 'server-name': serverName } = options;
  const read = (name: 'ca-file' | 'cert-file' | 'key-file') =>
    options[name] === undefined ? undefined : readFile(`--${name}`, options[name]);
  const [ca, certificate, key] = [read('ca-file'), read('cert-file'), read('key-file')];
  // Without a certificate in it, no server would be trusted, and the error would speak of the server's certificate.
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new UsageError(`--ca-file has no certificate in PEM: ${options['ca-file']}`);
  if ((certificate === undefined) !== (key === undefined))
    throw new UsageError('--cert-file and --key-file belong together');
  if (!tls && [ca, certificate, serverName].every((part) => part === undefined)) return undefined;
  return { ca, certificate, key, serverName };
}

function readFile(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new UsageError(`${name} names a file that can't be read (${code}): ${file}`, { cause: error });
  }
}

function readTimeout(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= MAX_TIMEOUT_S) return seconds;
  throw new UsageError(`--timeout must be seconds, up to ${MAX_TIMEOUT_S}, not "${text}"`);
}
