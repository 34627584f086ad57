import type { Shell } from './shell.ts';

/** Describes an option such as `--name`. */
export interface OptionSpec {
  /** Stands for the value in the help, such as `UUID`. An option without it is a flag. */
  readonly value?: string;
  /** Says that the option may be given several times. */
  readonly repeats?: true;
  readonly help: string;
}

/** Holds the options of a command by their names, without dashes. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Holds the values of options: `undefined` or `false` where one was not given. */
export type OptionValues<O extends OptionSpecs> = {
  readonly [K in keyof O]: O[K] extends { readonly repeats: true }
    ? readonly string[]
    : O[K] extends { readonly value: string }
      ? string | undefined
      : boolean;
};

/** Is a command line after it was read. */
export interface CommandLine<O extends OptionSpecs = OptionSpecs> {
  readonly options: OptionValues<O>;
  /** The arguments that are not options. */
  readonly operands: readonly string[];
}

/** The texts of a command's help, beside its options. */
interface CommandHelp {
  /** The command line behind the name, such as `[options] FILE`. */
  readonly usage: string;
  /** What the command does, in whole sentences. */
  readonly about: string;
  /** The environment variables that the command reads, with what they say. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Command lines that can be copied. */
  readonly examples: readonly string[];
  /** What each exit code means. */
  readonly exitCodes: Readonly<Record<number, string>>;
}

/** Is a command of callhooks. It loads the modules that it needs when it runs, so that its help is instant. */
export interface Command extends CommandHelp {
  readonly options: OptionSpecs;
  /** How many operands the command takes at most. */
  readonly maxOperands: number;
  /**
   * Returns the exit code.
   * @throws UsageError when options or operands make no sense
   * @throws CommandError for everything else that people should read as one sentence
   */
  run(line: CommandLine, shell: Shell): Promise<number>;
}

/** What {@link defineCommand} takes. */
interface CommandDefinition<O extends OptionSpecs> extends CommandHelp {
  readonly options?: O;
  readonly maxOperands?: number;
  run(line: CommandLine<O>, shell: Shell): Promise<number>;
}

/** Makes a command whose `run` knows the types of its own options. */
export function defineCommand<const O extends OptionSpecs>(definition: CommandDefinition<O>): Command {
  const { run, options = {}, maxOperands = 0, ...help } = definition;
  return { ...help, options, maxOperands, run: (line, shell) => run(line as CommandLine<O>, shell) };
}

/** Is the error for a command line that makes no sense. The process prints it with the usage and exits with 64. */
export class UsageError extends Error {}

/** Is the error of a command that says in its message all that people should read. It has the exit code. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
