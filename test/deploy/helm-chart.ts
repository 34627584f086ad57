import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram, type ProgramEnd } from '../clients/programs.ts';
import { TOOLS } from './tools.ts';

/** The folder of the chart. */
export const CHART = join(import.meta.dirname, '../../deploy/helm/callhooks');

/** Values as `--set` takes them: `tls.existingSecret=tls`. */
export type Values = readonly string[];

/** The least that the chart asks for. */
export const REQUIRED: Values = ['secrets.existingSecret=callhooks', 'tls.existingSecret=callhooks-tls'];

/** Renders the chart as `helm install` would. */
export function helmTemplate(values: Values): Promise<ProgramEnd> {
  const sets = values.flatMap((value) => ['--set', value]);
  return runProgram(TOOLS.helm, [
    'template',
    'callhooks',
    CHART,
    '--namespace=voice',
    '--kube-version=1.37.0',
    '--include-crds',
    ...sets,
  ]);
}

/** Returns the rendered resources by `Kind/name`, each as its YAML. Throws when the chart refuses the values. */
export async function render(values: Values): Promise<ReadonlyMap<string, string>> {
  const { exitCode, stdout, stderr } = await helmTemplate(values);
  if (exitCode !== 0) throw new Error(stderr);
  return new Map(
    stdout
      .split(/^---$/m)
      .filter((document) => /^kind:/m.test(document))
      .map((document) => {
        const [, kind = ''] = /^kind: (.*)$/m.exec(document) ?? [];
        const [, name = ''] = /^metadata:\n {2}name: (.*)$/m.exec(document) ?? [];
        return [`${kind}/${name}`, document] as const;
      }),
  );
}

/** Returns the paths of all values with their defaults as they are written. A list or an empty map is one value. */
export function defaultValues(): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const parents: string[] = [];
  let listAt = Infinity;
  for (const line of readFileSync(join(CHART, 'values.yaml'), 'utf8').split('\n')) {
    const [, indent = '', dash, key, value = ''] = /^( *)(- )?(\w+):(?: (.*))?$/.exec(line) ?? [];
    if (key === undefined) continue;
    if (dash !== undefined) listAt = Math.min(listAt, indent.length);
    else if (indent.length < listAt) listAt = Infinity;
    // What is in a list belongs to its value.
    if (indent.length >= listAt) continue;
    parents.length = indent.length / 2;
    values.delete(parents.join('.'));
    parents.push(key);
    values.set(parents.join('.'), value.replaceAll("'", '"'));
  }
  return values;
}
