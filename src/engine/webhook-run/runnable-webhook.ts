import type { ClientCertificate } from '../../domain/auth/endpoint-auth.ts';
import { compileHmac, type CompiledHmac } from '../../domain/auth/hmac-signature.ts';
import {
  compileAssignments,
  type CompiledAssignments,
} from '../../domain/assignments/compile-assignments.ts';
import { compileRequest, type CompiledRequest } from '../../domain/template/compile-request.ts';
import {
  fixedValuesToRedact,
  redactsCallValues,
  secretSegments,
} from '../../domain/redaction/values-to-redact.ts';
import { createMasker, type Masker } from '../../domain/redaction/redact.ts';
import { compileRejection, type CompiledRejection } from '../../domain/rejection/reject.ts';
import type { Agent, Webhook } from '../../domain/agent.ts';
import { usedSecretNames } from '../../domain/name-usage.ts';
import type { ClientIdentity, RedirectOptions } from '../../http/http-client.ts';
import type { AgentSecrets } from '../../secrets/agent-secrets.ts';

/** A webhook that can run: it is compiled, and its secrets are decrypted. It is never stored and never logged. */
export interface RunnableWebhook {
  readonly webhook: Webhook;
  /** The templates of its request, with the true values of masked headers. */
  readonly compiled: CompiledRequest;
  readonly hmac: CompiledHmac | undefined;
  /** The client certificate with its key. */
  readonly clientIdentity: ClientIdentity | undefined;
  /** The rules for its response. */
  readonly assignments: CompiledAssignments;
  /** Undefined where no response rejects a call. */
  readonly rejection: CompiledRejection | undefined;
  /** Whether the outcome needs the body of a 2xx response. */
  readonly needsBody: boolean;
  /** Scheme, host and port: the key of the per-origin limits. */
  readonly origin: string;
  /** The agent's secrets that this webhook uses, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /**
   * The values of all secrets of the agent that open here: an endpoint may carry one that another webhook sent from its
   * response into a variable. Of a secret in the path of the URL also its longer segments: an endpoint may name one of them.
   */
  readonly secretValues: readonly string[];
  /** The values of sensitive headers of the agent's other webhooks, as far as they are the same in every call. */
  readonly otherHeaderValues: readonly string[];
  /** Masks the secrets, and the values of sensitive names that are the same in every call. */
  readonly mask: Masker;
  /** Whether its requests have sensitive names whose values come from the call. */
  readonly redactsCallValues: boolean;
  /** How its redirects are followed. It is undefined where none is. */
  readonly redirects: Omit<RedirectOptions, 'enterOrigin'> | undefined;
}

/**
 * Decrypts what the webhook needs and what its records mask, and compiles it.
 * @throws CallhooksError KEY_UNAVAILABLE when this replica lacks the key of a value that it needs.
 */
export function openWebhook(agent: Agent, webhook: Webhook, agentSecrets: AgentSecrets): RunnableWebhook {
  const config = agentSecrets.openHeaders(webhook);
  const used = usedSecretNames(config);
  const secrets = agentSecrets.openSecrets(agent, used);
  const compiled = compileRequest(config);
  const hmac = config.hmacSignature && compileHmac(config.hmacSignature);
  const { maxRedirects } = config.apiSchema;
  const allSecrets = { ...agentSecrets.openOtherSecrets(agent, used), ...secrets };
  const secretValues = [...Object.values(allSecrets), ...secretSegments(compiled, secrets)];
  const otherHeaderValues = agent.webhooks
    .filter((other) => other !== webhook)
    .flatMap((other) => headerValuesOf(other, agentSecrets, allSecrets));
  const rejection = config.rejection && compileRejection(config.rejection);
  return {
    webhook,
    compiled,
    hmac,
    clientIdentity: identityOf(config.apiSchema.auth?.clientCertificate, secrets),
    assignments: compileAssignments(config.assignments, Object.keys(agent.dynamicVariables)),
    rejection,
    needsBody: config.assignments.length > 0 || rejection?.comparesBody === true,
    origin: compiled.url.origin,
    secrets,
    secretValues,
    otherHeaderValues,
    mask: createMasker(secretValues, [...fixedValuesToRedact(compiled, secrets), ...otherHeaderValues]),
    redactsCallValues: redactsCallValues(compiled),
    redirects: maxRedirects
      ? { max: maxRedirects, firstOriginHeaders: firstOriginHeaders(compiled, hmac) }
      : undefined,
  };
}

function identityOf(
  certificate: ClientCertificate | undefined,
  secrets: Readonly<Record<string, string>>,
): ClientIdentity | undefined {
  if (certificate === undefined) return undefined;
  const { certificateSecretName, privateKeySecretName } = certificate;
  return {
    certificate: secrets[certificateSecretName] ?? '',
    privateKey: secrets[privateKeySecretName] ?? '',
  };
}

/** The headers that prove who sends, beside those that the webhook names. */
const OWN_PROOFS = ['authorization', 'webhook-id', 'webhook-timestamp', 'webhook-signature'];

function firstOriginHeaders({ headers }: CompiledRequest, hmac: CompiledHmac | undefined): readonly string[] {
  const named = headers.filter(({ sensitive, hasSecret }) => sensitive || hasSecret).map(({ name }) => name);
  return [...named, ...OWN_PROOFS, ...(hmac === undefined ? [] : [hmac.header])];
}

function headerValuesOf(
  webhook: Webhook,
  agentSecrets: AgentSecrets,
  secrets: Readonly<Record<string, string>>,
): readonly string[] {
  const config = agentSecrets.tryOpenHeaders(webhook);
  return config === undefined ? [] : fixedValuesToRedact(compileRequest(config), secrets);
}
