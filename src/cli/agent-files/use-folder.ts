import { errorCode } from '../../errors.ts';
import { UsageError } from '../frame/command.ts';

/**
 * Returns what `use` makes of the folder that the command line names.
 * @throws UsageError when there is no such folder, or something else has its place
 */
export function useFolder<T>(dir: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    const problem = PROBLEMS[errorCode(error) ?? ''];
    if (problem === undefined) throw error;
    throw new UsageError(`DIR must be a folder: ${dir} ${problem}`, { cause: error });
  }
}

const IS_NO_FOLDER = 'is a file, or lies below one';
const PROBLEMS: Readonly<Record<string, string>> = {
  EEXIST: IS_NO_FOLDER,
  ENOTDIR: IS_NO_FOLDER,
  ENOENT: 'does not exist',
};
