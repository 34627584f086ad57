import { execFile, type ExecFileOptions } from 'node:child_process';

/** The exit code of a program, and what it has written. */
export interface ProgramEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const LIMIT_MS = 60_000;
const MAX_OUTPUT_BYTES = 16 << 20;

/** Runs a program with `input` as its standard input. Rejects when it cannot be run or takes more than 60 s. */
export function runProgram(
  file: string,
  args: readonly string[],
  { input = '', ...options }: ExecFileOptions & { input?: string } = {},
): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: LIMIT_MS, maxBuffer: MAX_OUTPUT_BYTES };
    const child = execFile(
      file,
      args,
      { ...limits, ...options, encoding: 'utf8' },
      (error, stdout, stderr) => {
        if (error === null) resolve({ exitCode: 0, stdout, stderr });
        else if (typeof error.code === 'number') resolve({ exitCode: error.code, stdout, stderr });
        else reject(new Error(`${file}: ${error.message}`, { cause: error }));
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
