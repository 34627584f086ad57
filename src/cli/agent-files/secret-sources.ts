import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { MAX_SECRET_BYTES } from '../../domain/limits.ts';
import { nameProblem } from '../../domain/validation/names.ts';
import { memberPath } from '../../domain/validation/field-path.ts';
import { createNearestNames } from '../../domain/validation/nearest-names.ts';
import type { FieldReader } from './read-message.ts';
import type { YamlNode } from './read-yaml.ts';

/** Says where the value of a secret comes from. */
export type SecretSource =
  | { readonly env: string }
  /** A path, which is relative to the folder of the agent's file. */
  | { readonly file: string };

const FORM = 'write { env: NAME } or { file: path }';

/** Reads the `secrets` of a file: names to sources. What is wrong goes to `reader`, and never a value. */
export function readSecretSources(
  node: YamlNode | undefined,
  reader: FieldReader,
): ReadonlyMap<string, SecretSource> {
  const sources = new Map<string, SecretSource>();
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return sources;
  if (node.kind !== 'map') {
    const rule = `must be a map of names to where the values come from: ${FORM}`;
    reader.refuse('secrets', node.at, node.kind === 'bad' ? node.problem : rule);
    return sources;
  }
  for (const { key, at, value, problem: keyProblem } of node.entries) {
    const path = memberPath('secrets', key);
    reader.place(path, at);
    const problem = keyProblem ?? nameProblem(key);
    if (problem !== undefined) reader.refuse(path, at, problem);
    const source = readSource(value);
    if ('problem' in source) reader.refuse(path, value.at, source.problem);
    else sources.set(key, source);
  }
  return sources;
}

function readSource(node: YamlNode): SecretSource | { readonly problem: string } {
  if (node.kind === 'bad') return node;
  if (node.kind === 'scalar' && node.value !== null)
    return { problem: `a file never holds the value of a secret: ${FORM}` };
  const [entry, ...more] = node.kind === 'map' ? node.entries : [];
  if (entry === undefined || more.length > 0) return { problem: FORM };
  const { key, value } = entry;
  const [nearest] = createNearestNames(new Set(['env', 'file']))(key);
  if (key !== 'env' && key !== 'file')
    return { problem: nearest ? `has no source "${key}": did you mean ${nearest}?` : FORM };
  if (value.kind !== 'scalar' || typeof value.value !== 'string' || value.value === '')
    return { problem: key === 'env' ? 'env must be the name of a variable' : 'file must be a path' };
  return key === 'env' ? { env: value.value } : { file: value.value };
}

/** Returns where a value comes from, as people read it. */
export function sourceName(source: SecretSource): string {
  return 'env' in source ? `the environment variable ${source.env}` : `the file ${source.file}`;
}

/** The value of a secret, or why it can't be had. The reason never holds the value. */
export type SecretValue = { readonly value: string } | { readonly problem: string };

/** Reads the value of a secret. The last line break of a file is none of it. */
export function readSecret(
  source: SecretSource,
  agentFile: string,
  env: Readonly<Record<string, string | undefined>>,
): SecretValue {
  if ('env' in source) {
    const value = env[source.env];
    if (value === undefined) return { problem: `needs ${sourceName(source)}, which is not set` };
    return value === '' ? { problem: `needs ${sourceName(source)}, which is empty` } : { value };
  }
  const path = resolve(dirname(agentFile), source.file);
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return { problem: `needs ${sourceName(source)}, which is no file` };
    if (stat.size > MAX_SECRET_BYTES + 2)
      return { problem: `needs ${sourceName(source)}, which is larger than ${MAX_SECRET_BYTES} bytes` };
    return textOf(readFileSync(path), source);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { problem: `needs ${sourceName(source)}, which can't be read (${code})` };
  }
}

function textOf(bytes: Buffer, source: SecretSource): SecretValue {
  try {
    const value = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
      .decode(bytes)
      .replace(/\r?\n$/, '');
    return value === '' ? { problem: `needs ${sourceName(source)}, which is empty` } : { value };
  } catch {
    return { problem: `needs ${sourceName(source)}, which is not UTF-8` };
  }
}
