import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { splitHostPort, toListenAddress, type ListenAddress } from './listen-address.ts';
import { parseDatabaseUrl } from '../store/sql/database-url.ts';

// Each schema reads the text of one environment variable. Its message completes the sentence "NAME …".

const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTE_UNITS = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** Returns the schema of a text that `read` turns into a value. `read` throws a {@link RangeError} with the problem. */
export function parsed<T>(read: (text: string) => T) {
  return z.string().transform((text, context) => {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  });
}

/** Reads `true` or `false`, and no other word for them. */
export const flag = parsed((text) => {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new RangeError(`must be true or false, not "${text}"`);
});

/** Returns the schema of one of a few words. */
export function choice<const T extends string>(words: readonly T[]) {
  return parsed((text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new RangeError(`must be ${words.join(', ')}, not "${text}"`);
    return word;
  });
}

/** Returns the schema of a whole number from `min` to `max`. */
export function count(min: number, max: number) {
  return parsed((text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return within(value, min, max, `must be a whole number from ${min} to ${max}, not "${text}"`);
  });
}

/** Returns the schema of a number of bytes: `4096`, `256KiB`, `64MiB`, `1GiB`. */
export function bytes(min: number, max: number) {
  return parsed((text) => {
    const match = /^(\d{1,15})(KiB|MiB|GiB|)$/.exec(text);
    const value =
      match === null ? Number.NaN : Number(match[1]) * BYTE_UNITS[match[2] as keyof typeof BYTE_UNITS];
    const range = `${formatBytes(min)} to ${formatBytes(max)}`;
    return within(value, min, max, `must be bytes from ${range} (such as 4096 or 256KiB), not "${text}"`);
  });
}

/** Returns the schema of a duration, in milliseconds: `500ms`, `65s`, `30m`, `24h`, `7d`, and `0` where `min` is 0. */
export function duration(min: number, max: number) {
  return parsed((text) => {
    const match = text === '0' ? ['0', '0', 'ms'] : /^(\d{1,12})(ms|s|m|h|d)$/.exec(text);
    const value = match
      ? Number(match[1]) * DURATION_UNITS[match[2] as keyof typeof DURATION_UNITS]
      : Number.NaN;
    const range = `${formatDuration(min)} to ${formatDuration(max)}`;
    return within(value, min, max, `must be a duration from ${range} (such as 65s or 24h), not "${text}"`);
  });
}

/** Reads `host:port`. The host is a name, an IPv4 address, or an IPv6 address in brackets. */
export const listenAddress = parsed((text) => toListenAddress(text));

/** Reads a {@link listenAddress}, or `off` for none. */
export const addressOrOff = parsed((text): ListenAddress | undefined =>
  text === 'off' ? undefined : toListenAddress(text),
);

/** Reads name servers in the form that `dns.Resolver` takes: addresses with an optional port. */
export const nameServers = parsed((text) =>
  splitList(text).map((entry) => {
    if (isIP(entry) !== 0) return entry;
    const { host, port } = splitHostPort(entry);
    if (isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0 && port !== undefined && port > 0) return entry;
    throw new RangeError(`must hold addresses such as 10.0.0.2 or 10.0.0.2:53, not "${entry}"`);
  }),
);

/** Reads the path of a folder or file, and makes it absolute. */
export const path = parsed((text) => resolve(text));

/** Reads the name of a replica: short, and without blanks. */
export const instanceName = parsed((text) => {
  if (!/^[!-~]{1,64}$/.test(text)) throw new RangeError('must be 1 to 64 visible ASCII characters');
  return text;
});

/** Reads the URL of a MySQL or MariaDB database. Its problems never show the URL, because it holds a password. */
export const databaseUrl = parsed((text) => {
  parseDatabaseUrl(text);
  return text;
});

/**
 * Returns the PEM certificates in a text, without the text between them.
 * @throws RangeError when there is none, or one that can't be read
 */
export function parseCertificates(pem: string): string {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new RangeError('names a file without a PEM certificate');
  blocks.forEach((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new RangeError(`names a file whose certificate ${index + 1} can't be read`);
    }
  });
  return blocks.join('\n');
}

function splitList(text: string): string[] {
  return text.split(/[\s,]+/).filter((entry) => entry !== '');
}

function within(value: number, min: number, max: number, problem: string): number {
  if (!(value >= min && value <= max)) throw new RangeError(problem);
  return value;
}

function formatBytes(value: number): string {
  const [unit, size] = Object.entries(BYTE_UNITS).findLast(
    ([, bytesEach]) => value >= bytesEach && value % bytesEach === 0,
  ) ?? ['', 1];
  return `${value / size}${unit}`;
}

function formatDuration(value: number): string {
  if (value === 0) return '0';
  const [unit, size] = Object.entries(DURATION_UNITS).findLast(([, msEach]) => value % msEach === 0) ?? [
    'ms',
    1,
  ];
  return `${value / size}${unit}`;
}
