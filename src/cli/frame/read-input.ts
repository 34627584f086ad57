import { createReadStream } from 'node:fs';
import { UsageError } from './command.ts';
import type { Shell } from './shell.ts';

const MAX_INPUT_BYTES = 4 * 1024 ** 2;

/**
 * Returns the text of a file, or of standard input for `-`.
 * @throws UsageError when it can't be read, is no UTF-8, or has more than 4 MiB
 */
export async function readInput(file: string, shell: Pick<Shell, 'stdin'>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of file === '-' ? shell.stdin : createReadStream(file)) {
      bytes += (chunk as Buffer).length;
      if (bytes > MAX_INPUT_BYTES) throw new UsageError(`${nameOf(file)} has more than 4 MiB`);
      chunks.push(chunk as Buffer);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new UsageError(`${nameOf(file)} can't be read (${code})`, { cause: error });
  }
}

/** Returns what messages call a file. */
export function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}

/**
 * Returns the JSON value of a text. `name` says where it is from.
 * @throws UsageError with the line and column of the mistake
 */
export function readJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name} is not JSON: ${(error as Error).message.replaceAll('\n', ' ')}`, {
      cause: error,
    });
  }
}
