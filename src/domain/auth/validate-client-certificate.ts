import { violationsOf, type Violation } from '../../errors.ts';
import type { ClientCertificate } from './endpoint-auth.ts';
import type { WebhookConfig } from '../agent.ts';
import { originOfTemplate } from '../template/url-template.ts';
import { entryPath } from '../validation/field-path.ts';
import { secretNameProblem } from '../validation/validate-secrets.ts';

/** What is wrong with a certificate or a private key. The text holds nothing of them. */
export interface CertificateProblem {
  readonly part: 'certificate' | 'private_key';
  readonly problem: string;
}

/** Checks a client certificate with its private key, both PEM. */
export type CheckClientCertificate = (
  certificate: string,
  privateKey: string,
) => CertificateProblem | undefined;

type SecretValue = (name: string) => string | undefined;

/** What the check of a client certificate needs. */
interface CertificateContext {
  readonly secretNames: ReadonlySet<string>;
  readonly secretValue?: SecretValue | undefined;
  readonly checkClientCertificate?: CheckClientCertificate | undefined;
}

/** What is checked: the certificate itself, and that a URL is https. */
interface CertificateChecks {
  readonly content: boolean;
  readonly url: string | undefined;
}

/** Returns the violations of a `client_certificate`. The save of a secret checks its value again. */
export function clientCertificateViolations(
  certificate: ClientCertificate | undefined,
  field: string,
  context: CertificateContext,
  checks: CertificateChecks,
): Violation[] {
  if (certificate === undefined) return [];
  const isPlain = checks.url !== undefined && originOfTemplate(checks.url)?.startsWith('http:') === true;
  return [
    ...violationsOf(field, isPlain ? 'needs an https URL: http shows no certificate' : undefined),
    ...(checks.content ? contentViolations(certificate, field, context) : []),
  ];
}

function contentViolations(
  certificate: ClientCertificate,
  field: string,
  { secretNames, secretValue, checkClientCertificate }: CertificateContext,
): Violation[] {
  const names = namesOf(certificate);
  const fieldOf = (part: CertificateProblem['part']) => `${field}.${part}_secret_name`;
  const unknown = names.flatMap(({ name, part }) =>
    violationsOf(fieldOf(part), secretNameProblem(name, secretNames)),
  );
  if (unknown.length > 0) return unknown;
  const found = pairProblem(certificate, secretValue, checkClientCertificate);
  return found === undefined
    ? []
    : [{ field: fieldOf(found.part), description: `the secret ${found.problem}` }];
}

function namesOf(certificate: ClientCertificate) {
  return [
    { part: 'certificate', name: certificate.certificateSecretName },
    { part: 'private_key', name: certificate.privateKeySecretName },
  ] as const;
}

function pairProblem(
  { certificateSecretName, privateKeySecretName }: ClientCertificate,
  secretValue: SecretValue | undefined,
  check: CheckClientCertificate | undefined,
): CertificateProblem | undefined {
  const certificate = secretValue?.(certificateSecretName);
  const privateKey = secretValue?.(privateKeySecretName);
  return certificate === undefined || privateKey === undefined ? undefined : check?.(certificate, privateKey);
}

/**
 * Returns the violations of the secrets that a request sets and that webhooks use as client certificates. `secretValue`
 * returns the values that secrets have afterwards.
 */
export function certificateSecretViolations(
  configs: readonly WebhookConfig[],
  secrets: Readonly<Record<string, string>>,
  secretValue: SecretValue,
  check: CheckClientCertificate | undefined,
): Violation[] {
  return configs.flatMap(({ apiSchema }): Violation[] => {
    const certificate = apiSchema.auth?.clientCertificate;
    if (certificate === undefined) return [];
    const changed = namesOf(certificate).filter(({ name }) => Object.hasOwn(secrets, name));
    if (changed.length === 0) return [];
    const found = pairProblem(certificate, secretValue, check);
    if (found === undefined) return [];
    // The field has to be one that the request has, also where the other secret of the pair is what does not fit.
    const { name } = changed.find(({ part }) => part === found.part) ?? changed[0] ?? { name: '' };
    const of = `client_certificate of a webhook: the secret of the ${found.part.replace('_', ' ')}`;
    return [{ field: entryPath('secrets', name), description: `${of} ${found.problem}` }];
  });
}
