import { readdirSync, readFileSync, statSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from './parse-agent-file.ts';

/** What a search for files found: paths below the folder, in alphabetical order, and what it could not look at. */
export interface FoundFiles {
  readonly paths: readonly string[];
  readonly problems: readonly Problem[];
}

/** The size of a file in bytes. The largest agent that a server takes is smaller, however it is written. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_DEPTH = 16;
const IS_YAML = /\.ya?ml$/i;

/**
 * Finds the YAML files in a folder and the folders below it. It leaves out hidden names, as those of an editor, of git, or
 * of a mounted ConfigMap, whose visible files are links. It follows links to files. A link to a folder is a problem: to pass
 * over its agents in silence would be one.
 * @throws Error of node:fs when there is no such folder
 */
export function findAgentFiles(dir: string): FoundFiles {
  const paths: string[] = [];
  const problems: Problem[] = [];
  const look = (folder: string, depth: number): void => {
    const entries = readdirSync(folder, { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue;
      const path = join(folder, entry.name);
      const kind = kindOf(entry, path);
      const problem = problemOf(kind, entry, depth);
      if (problem !== undefined) problems.push(wholeFile(path, problem));
      else if (kind === 'folder') look(path, depth + 1);
      else if (IS_YAML.test(entry.name)) paths.push(path);
    }
  };
  look(dir, 0);
  return { paths, problems };
}

type Kind = 'file' | 'folder' | 'missing' | 'other';

function kindOf(entry: Dirent, path: string): Kind {
  const stat = entry.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false }) : entry;
  if (stat === undefined) return 'missing';
  if (stat.isFile()) return 'file';
  return stat.isDirectory() ? 'folder' : 'other';
}

function problemOf(kind: Kind, entry: Dirent, depth: number): string | undefined {
  if (kind === 'folder') {
    if (entry.isSymbolicLink()) return 'is a link to a folder, which is not followed';
    return depth < MAX_DEPTH ? undefined : `lies more than ${MAX_DEPTH} folders deep`;
  }
  if (!IS_YAML.test(entry.name) || kind === 'file') return undefined;
  return kind === 'missing' ? 'is a link to nothing' : 'is no file';
}

function wholeFile(file: string, text: string): Problem {
  return { file, line: 0, column: 0, field: '', text };
}

/** Reads the text of a file, or says why it can't be read. A byte order mark is no part of the text. */
export function readTextFile(path: string): { readonly text: string } | { readonly problem: Problem } {
  try {
    if (statSync(path).size > MAX_FILE_BYTES)
      return { problem: wholeFile(path, `is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB`) };
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)) };
  } catch (error) {
    if (error instanceof TypeError) return { problem: wholeFile(path, 'is not UTF-8') };
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { problem: wholeFile(path, `can't be read (${code})`) };
  }
}
