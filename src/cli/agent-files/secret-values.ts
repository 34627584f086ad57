import { validateSecrets } from '../../domain/validation/validate-secrets.ts';
import type { Problem } from './parse-agent-file.ts';
import type { AgentPlan } from './plan-agent.ts';
import { readSecret } from './secret-sources.ts';

/** The secrets that a plan writes, by name, and why some can't be had. */
interface SecretValues {
  readonly secrets: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

/** Reads and checks the secrets that a plan writes. No problem holds a value. */
export function readSecretValues(
  { file, secrets, stored, removedSecrets }: AgentPlan,
  env: Readonly<Record<string, string | undefined>>,
): SecretValues {
  const values: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const { name, source } of secrets) {
    const read = readSecret(source, file.path, env);
    if ('problem' in read) problems.push(file.problemAt(`secrets.${name}`, read.problem));
    else values[name] = read.value;
  }
  const { violations } = validateSecrets({
    secrets: values,
    removeSecrets: removedSecrets,
    storedNames: new Set(stored?.secretNames),
    signingNames: new Set(file.agent.webhooks.flatMap(signingNamesOf)),
  });
  const ofValues = violations.map(({ field, description }) =>
    file.problemAt(field.replace(/^secrets\[(.+)\]$/, 'secrets.$1'), description),
  );
  return { secrets: values, problems: [...problems, ...ofValues] };
}

function signingNamesOf({
  webhookConfig,
}: AgentPlan['file']['agent']['webhooks'][number]): readonly string[] {
  return webhookConfig === undefined ? [] : webhookConfig.signingSecretNames;
}
