type Environment = Readonly<Record<string, string | undefined>>;

/** Is the process as commands see it. src/main.ts makes it, because that file alone uses the process. */
export interface Shell {
  readonly env: Environment;
  readonly pid: number;
  readonly nodeVersion: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream & { readonly fd: number };
  readonly stderr: NodeJS.WriteStream;
  /** Writes data to standard output. When its reader has gone (`| head`), the process ends without a word. */
  print(text: string): void;
  /** Writes what is said to people to standard error. */
  say(text: string): void;
  /** Calls `listener` at each such signal, which does not end the process any more. */
  onSignal(signal: NodeJS.Signals, listener: () => void): void;
  /** Calls `listener` when the process exits. */
  onExit(listener: () => void): void;
  /** Calls `listener` with each error that nobody caught. */
  onUnexpectedError(listener: (error: unknown) => void): void;
  /** Ends the process at once. */
  exit(code: number): never;
}
