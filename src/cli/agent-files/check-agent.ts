import { authTexts, isSealedText, sealedTextName, tokenOriginOf } from '../../domain/auth/endpoint-auth.ts';
import type { WebhookConfig, WebhookType } from '../../domain/agent.ts';
import { MASK } from '../../domain/redaction/redact.ts';
import { sensitiveLiteralHeaders } from '../../domain/redaction/sensitive-names.ts';
import { originOfTemplate } from '../../domain/template/url-template.ts';
import { entryPath, itemPath } from '../../domain/validation/field-path.ts';
import { validateAgent, type AgentContext, type AgentDraft } from '../../domain/validation/validate-agent.ts';
import { fillDefaults, NO_CONFIG, type WebhookConfigDraft } from '../../domain/webhook-draft.ts';
import type { Violation } from '../../errors.ts';
import * as pb from '../../gen/index.callhooks.v1.ts';
import { webhookMessage } from '../../grpc/messages/webhook.ts';
import { WEBHOOK_TYPES, wordOf } from '../../grpc/messages/wire-values.ts';
import { toAgentDraft } from '../../grpc/requests/agent-admin.ts';
import { toConfigDraft } from '../../grpc/requests/webhook-config.ts';

/** An agent as the server would store it, or why it would not. The paths of violations begin with `agent`. */
export interface CheckedAgent {
  /** With all defaults, and without what the server alone sets. It may be used only when there are no violations. */
  readonly agent: pb.Agent;
  readonly violations: readonly Violation[];
}

/**
 * Checks an agent by the server's own rules, as far as they need no server: the egress policy and the values of secrets are
 * left to it. Without `stored`, masks may stand for anything.
 */
export function checkAgent(
  agent: pb.Agent,
  secretNames: ReadonlySet<string>,
  stored?: Pick<pb.Agent, 'webhooks'>,
): CheckedAgent {
  const draft = toAgentDraft(agent);
  const storedOf = stored === undefined ? maskedValuesOf(draft) : storedValuesOf(stored);
  const { agent: valid, violations } = validateAgent(draft, { secretNames, stored: storedOf });
  const literals = draft.webhooks.flatMap(({ config }, index) => literalViolations(config, index));
  const webhooks = valid.webhooks.map(({ webhookType, config, disabled }) => ({
    ...EMPTY,
    ...webhookMessage({ ...EMPTY_WEBHOOK, webhookType, config, disabled }),
    createdAt: undefined,
    updatedAt: undefined,
  }));
  return {
    agent: pb.Agent.fromPartial({
      agentUuid: agent.agentUuid.toLowerCase(),
      displayName: valid.displayName,
      dynamicVariables: valid.dynamicVariables,
      webhooks,
    }),
    violations: [...violations, ...literals],
  };
}

const EMPTY = pb.Webhook.fromPartial({});
const EMPTY_WEBHOOK = {
  webhookUuid: '',
  agentUuid: '',
  sealedHeaders: {},
  etag: '',
  createdAtMs: 0,
  updatedAtMs: 0,
};

const NO_LITERAL = 'is a secret: put its value into a secret of the agent and write {{secret.NAME}}';

// A literal secret in a file could be read by everybody who reads the file, and could not be compared with the stored one.
function literalViolations(config: WebhookConfigDraft | undefined, index: number): Violation[] {
  const filled = fillDefaults(config ?? NO_CONFIG, 'pre_call');
  const path = `${itemPath('agent.webhooks', index)}.webhook_config.api_schema`;
  const headers = sensitiveLiteralHeaders(filled)
    .filter((name) => filled.apiSchema.requestHeaders[name] !== MASK)
    .map((name) => entryPath(`${path}.request_headers`, name));
  const texts = authTexts(filled.apiSchema.auth)
    .filter((text) => isSealedText(text) && text.text !== MASK)
    .map(({ field }) => `${path}.auth.${field}`);
  return [...headers, ...texts].map((field) => ({ field, description: NO_LITERAL }));
}

type StoredOf = NonNullable<AgentContext['stored']>;

/** Returns the stored values that masks may stand for, by what the server has. */
function storedValuesOf(agent: Pick<pb.Agent, 'webhooks'>): StoredOf {
  return (type) => {
    const webhook = agent.webhooks.find(({ webhookType }) => wordOf(WEBHOOK_TYPES, webhookType) === type);
    const config = webhook?.webhookConfig;
    return config && maskedIn(fillDefaults(toConfigDraft(config), type));
  };
}

/** Returns the values that the masks of a draft stand for if the server has them. */
function maskedValuesOf({ webhooks }: AgentDraft): StoredOf {
  return (type: WebhookType) => {
    const config = webhooks.find(({ webhookType }) => webhookType === type)?.config;
    return config && maskedIn(fillDefaults(config, type));
  };
}

function maskedIn({ apiSchema: { url, requestHeaders, auth } }: WebhookConfig) {
  const headers = Object.entries(requestHeaders).filter(([, value]) => value === MASK);
  const texts = authTexts(auth).filter(({ text }) => text === MASK);
  return {
    storedHeaders: new Set([...headers.map(([name]) => name.toLowerCase()), ...texts.map(sealedTextName)]),
    storedOrigin: originOfTemplate(url),
    storedTokenOrigin: tokenOriginOf(auth),
  };
}
