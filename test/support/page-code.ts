import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSamples } from './page-samples.ts';

const BUILD = join(import.meta.dirname, '../../build');

/** Returns the marked blocks of one language, such as `verify python`, as one text. */
export function codeOf(page: string, marker: string): string {
  const blocks = readSamples(page).filter(({ kind, argument }) => `${kind} ${argument}` === marker);
  return blocks.map(({ text }) => `${text}\n`).join('\n');
}

/** Imports a text of TypeScript as a module that finds the packages of this project. */
export async function importCode(code: string): Promise<unknown> {
  mkdirSync(BUILD, { recursive: true });
  const folder = mkdtempSync(join(BUILD, 'page-code-'));
  try {
    writeFileSync(join(folder, 'code.ts'), code);
    return await import(join(folder, 'code.ts'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
