/** An instruction of a Dockerfile, such as `COPY --from=build /app/dist dist`. */
export interface Instruction {
  /** In upper case. */
  readonly name: string;
  /** The flags before the arguments, without `--`: `from=build`. */
  readonly flags: readonly string[];
  readonly rest: string;
}

/** A stage: what follows a FROM. */
export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** Reads a Dockerfile that has neither here-documents nor escapes of its own, and puts in the arguments before its first FROM. */
export function readDockerfile(text: string): readonly Stage[] {
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  const globals = new Map<string, string>();
  for (const instruction of readInstructions(text)) {
    const { name, rest } = instruction;
    if (name === 'FROM') {
      const [base = '', , stage = ''] = rest.split(/\s+/);
      const image = base.replace(/\$\{(\w+)\}/g, (_, key: string) => globals.get(key) ?? '');
      stages.push({ name: stage, base: image, instructions: [] });
    } else if (stages.length === 0) {
      const [key = '', value = ''] = rest.split('=');
      globals.set(key, value);
    } else {
      stages.at(-1)?.instructions.push(instruction);
    }
  }
  return stages;
}

function readInstructions(text: string): readonly Instruction[] {
  const lines = text.split('\n').filter((line) => !/^\s*(?:#|$)/.test(line));
  return lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => {
      const [name = '', ...words] = line.trim().split(/\s+/);
      const flags = words.filter((_, index) =>
        words.slice(0, index + 1).every((each) => each.startsWith('--')),
      );
      return {
        name: name.toUpperCase(),
        flags: flags.map((flag) => flag.slice('--'.length)),
        rest: words.slice(flags.length).join(' '),
      };
    });
}

/** Returns the arguments of the exec form, `["a", "b"]`. Throws for the shell form. */
export function execForm(rest: string): readonly string[] {
  return JSON.parse(rest) as readonly string[];
}

/** Returns the pairs of an ENV or LABEL instruction, whose values have no blanks unless they are quoted. */
export function pairs(rest: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...rest.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)].map(([, key = '', quoted, bare]) => [
      key,
      quoted ?? bare ?? '',
    ]),
  );
}
