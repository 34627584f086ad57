import { parseArgs, type ParseArgsOptionDescriptor } from 'node:util';
import { UsageError, type CommandLine, type OptionSpec, type OptionSpecs } from './command.ts';
import { didYouMean } from './did-you-mean.ts';

interface Rules {
  readonly options: OptionSpecs;
  readonly maxOperands: number;
}

/**
 * Reads the arguments behind the name of a command. Returns undefined when they ask for help.
 * @throws UsageError with the first problem, and with the nearest option for one that does not exist
 */
export function readOptions(
  args: readonly string[],
  { options, maxOperands }: Rules,
): CommandLine | undefined {
  const types: Record<string, ParseArgsOptionDescriptor> = { help: { type: 'boolean', short: 'h' } };
  for (const [name, { value, repeats = false }] of Object.entries(options))
    types[name] = { type: value === undefined ? 'boolean' : 'string', multiple: repeats };
  // It is not strict, because its own messages name no other option and explain over several sentences.
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options: types,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  if (values['help'] === true) return undefined;
  for (const token of tokens) if (token.kind === 'option') checkOption(token, options);
  const extra = positionals[maxOperands];
  if (extra !== undefined) throw new UsageError(`there is one argument too many: "${extra}"`);
  return { options: { ...emptyValues(options), ...values } as CommandLine['options'], operands: positionals };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function checkOption({ name, rawName, value, inlineValue }: OptionToken, options: OptionSpecs): void {
  const spec = Object.hasOwn(options, name) ? options[name] : undefined;
  if (spec === undefined) {
    const known = [...Object.keys(options), 'help'].map((each) => `--${each}`);
    throw new UsageError(`there is no option ${rawName}${didYouMean(rawName, known)}`);
  }
  if (spec.value === undefined && value !== undefined) throw new UsageError(`${rawName} takes no value`);
  if (spec.value === undefined) return;
  if (value === undefined) throw new UsageError(`${rawName} needs a value: ${rawName} ${spec.value}`);
  // The next option is most likely no value, and a value may begin with a dash only where nobody can mistake it.
  if (inlineValue === false && value.startsWith('--'))
    throw new UsageError(`${rawName} needs a value; write ${rawName}=${value} if ${value} is one`);
}

function emptyValues(options: OptionSpecs): object {
  const empty = ({ value, repeats }: OptionSpec) => (repeats ? [] : value === undefined ? false : undefined);
  return Object.fromEntries(Object.entries(options).map(([name, spec]) => [name, empty(spec)]));
}
