import { readFileSync } from 'node:fs';
import { ENDPOINT } from './endpoint.ts';

/** An agent as `AgentAdmin/CreateAgent` takes it, in proto JSON. */
export interface FixtureAgent {
  readonly agent: {
    readonly agent_uuid: string;
    readonly display_name: string;
    readonly dynamic_variables?: object;
    readonly webhooks?: readonly object[];
  };
  readonly secrets?: Readonly<Record<string, string>>;
}

/** The values of the secrets that the endpoint sees. They stay as they are: older fixtures hold them, encrypted. */
export const SECRETS = { crm: 'crm-token-Zürich', hmac: 'hmac-key-0123456789' } as const;

const SIGNING = `whsec_${Buffer.alloc(24, 3).toString('base64')}`;

/** Returns the id of the agent with this number. */
export function agentUuid(number: number): string {
  return `a0000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** The numbers of the agents that calls name. They stay as they are, because tests of old fixtures use them. */
export const AGENT = {
  everything: 1,
  object: 2,
  redirected: 3,
  oauth: 4,
  postOnly: 5,
  disabled: 6,
  deleted: 7,
  held: 8,
  plain: 9,
  without: 10,
  /** Agents with a webhook that fails begin here, in the order of {@link FAILING}. */
  failing: 20,
} as const;

interface Failing {
  readonly url: string;
  /** The failure that its pre-call has: `HTTP_STATUS YES`. */
  readonly failure: string;
  readonly config?: object;
  readonly schema?: object;
  readonly secrets?: Readonly<Record<string, string>>;
}

const required = { assignments: [{ ...assign('customer.missing', 'name'), required: true }] };
const oauth = (path: string) => ({
  auth: {
    oauth2: { token_url: `${ENDPOINT}${path}`, client_id: 'fixture', client_secret: '{{secret.CLIENT}}' },
  },
});
const pem = (name: string): string =>
  readFileSync(new URL(`../certs/${name}`, import.meta.url), 'utf8').trim();

/** Webhooks that fail, each with another failure code. */
export const FAILING: readonly Failing[] = [
  { url: `${ENDPOINT}/slow`, failure: 'TIMEOUT MAYBE', config: { response_timeout_secs: 0.2 } },
  { url: 'http://nowhere.example/', failure: 'DNS NO' },
  { url: 'http://127.83.17.5:8481/', failure: 'CONNECT NO' },
  {
    url: ENDPOINT.replace('http:', 'https:'),
    failure: 'TLS NO',
    schema: {
      auth: { client_certificate: { certificate_secret_name: 'CERT', private_key_secret_name: 'KEY' } },
    },
    secrets: { CERT: pem('client.pem'), KEY: pem('client.key') },
  },
  { url: `${ENDPOINT}/break`, failure: 'PROTOCOL MAYBE' },
  { url: 'http://inside.example/', failure: 'EGRESS_DENIED NO' },
  {
    url: `${ENDPOINT}/status`,
    failure: 'HTTP_STATUS YES',
    config: { failure_policy: 'FAILURE_POLICY_BLOCK' },
  },
  { url: `${ENDPOINT}/moved`, failure: 'REDIRECT YES' },
  { url: `${ENDPOINT}/large`, failure: 'RESPONSE_TOO_LARGE YES' },
  { url: `${ENDPOINT}/page`, failure: 'INVALID_RESPONSE YES' },
  { url: `${ENDPOINT}/customer`, failure: 'ASSIGNMENT_MISSING YES', config: required },
  { url: `${ENDPOINT}/customer/{{plan}}`, failure: 'RENDER NO' },
  {
    url: `${ENDPOINT}/customer`,
    failure: 'AUTH NO',
    schema: oauth('/no-token'),
    secrets: { CLIENT: 'client-secret' },
  },
];

/** All agents. */
export const AGENTS: readonly FixtureAgent[] = [
  {
    agent: {
      ...named(AGENT.everything, 'Everything · všetko'),
      dynamic_variables: {
        ...{ name: 'there', plan: null, visits: 0, tags: [], note: 'none', empty: 'kept' },
        ...{ nested: { deep: [1, 'two', { three: false }] }, fraction: 0.1, big: 9007199254740991 },
      },
      webhooks: [
        preCall('/customer', {
          config: {
            assignments: [
              assign('customer.name', 'name'),
              { ...assign('customer.plan', 'plan'), required: true },
              assign('customer.visits', 'visits'),
              assign('customer["tags"]', 'tags'),
              { ...assign('customer.note', 'note'), assign_null: true },
              { ...assign('customer.empty', 'empty'), skip_empty: true },
              { ...assign('customer.fraction', 'fraction'), default_value: 0.5 },
            ],
            ...{ failure_policy: 'FAILURE_POLICY_BLOCK', signing_secret_names: ['SIGNING'] },
            rejection: { attribute_name: 'customer.blocked', equals: [true, 'yes'] },
          },
          schema: {
            request_headers: { 'X-Api-Key': 'literal-api-key', 'x-phone': '{{caller_phone}}' },
            request_body: { conversation: '{{conversation_uuid}}', metadata: '{{metadata.source}}' },
            auth: { basic: { username: 'crm', password: '{{secret.CRM}}' } },
          },
        }),
        postCall('/customer', {
          config: {
            hmac_signature: {
              ...{ secret_name: 'HMAC', header: 'x-signature', hash_algorithm: 'HASH_ALGORITHM_SHA512' },
              ...{
                encoding: 'ENCODING_BASE64',
                signed_payload: '{timestamp}.{body}',
                header_value: 'v1={signature}',
              },
            },
          },
          schema: {
            request_body: { name: '{{name}}', duration: '{{call_duration}}', summary: '{{call_summary}}' },
            auth: { bearer: { token: 'literal-bearer-token' } },
          },
        }),
      ],
    },
    secrets: { CRM: SECRETS.crm, SIGNING, HMAC: SECRETS.hmac },
  },
  {
    agent: {
      ...named(AGENT.object, 'Object rule'),
      dynamic_variables: { name: 'nobody', plan: 'none' },
      webhooks: [
        preCall('/object', { config: { assignments: [assign('found', '*')] } }),
        postCall('/binary'),
      ],
    },
  },
  {
    agent: {
      ...named(AGENT.redirected, 'Redirected'),
      webhooks: [preCall('/moved', { schema: { max_redirects: 2, method: 'GET' } }), postCall('/status')],
    },
  },
  {
    agent: {
      ...named(AGENT.oauth, 'OAuth2'),
      webhooks: [preCall('/customer', { schema: oauth('/token') })],
    },
    secrets: { CLIENT: 'client-secret' },
  },
  { agent: named(AGENT.without, 'Without webhooks') },
  { agent: { ...named(AGENT.postOnly, 'Post-call only'), webhooks: [postCall('/customer')] } },
  {
    agent: { ...named(AGENT.disabled, 'Disabled'), webhooks: [{ ...preCall('/customer'), disabled: true }] },
  },
  {
    agent: {
      ...named(AGENT.deleted, 'Deleted'),
      webhooks: [preCall('/reject', rejecting()), postCall('/customer')],
    },
  },
  {
    agent: {
      ...named(AGENT.held, 'Held'),
      dynamic_variables: { name: 'caller' },
      webhooks: [
        preCall('/hold', { config: { response_timeout_secs: 30 } }),
        postCall('/hold', {
          config: { response_timeout_secs: 30 },
          schema: {
            request_headers: { authorization: 'Bearer {{secret.CRM}}' },
            request_body: { name: '{{name}}', summary: '{{call_summary}}' },
          },
        }),
      ],
    },
    secrets: { CRM: SECRETS.crm },
  },
  {
    agent: {
      ...named(AGENT.plain, 'Plain'),
      webhooks: [preCall('/reject', rejecting()), postCall('/hold', short())],
    },
  },
  ...FAILING.map(({ url, config, schema, secrets = {} }, at) => ({
    agent: {
      ...named(AGENT.failing + at, `Failing ${at + 1}`),
      dynamic_variables: { name: 'nobody', plan: null },
      webhooks: [
        preCall('', {
          config: config ?? { assignments: [assign('customer.name', 'name')] },
          schema: { ...schema, url },
        }),
      ],
    },
    secrets,
  })),
];

interface Parts {
  readonly config?: object;
  readonly schema?: object;
}

function named(number: number, display_name: string) {
  return { agent_uuid: agentUuid(number), display_name };
}

function assign(attribute_name: string, dynamic_variable: string) {
  return { attribute_name, dynamic_variable };
}

function rejecting(): Parts {
  return { config: { rejection: { http_statuses: [403], reason_attribute_name: 'reason' } } };
}

function short(): Parts {
  return { config: { response_timeout_secs: 2 } };
}

function webhook(webhook_type: string, path: string, { config, schema }: Parts) {
  const api_schema = { url: `${ENDPOINT}${path}`, method: 'POST', ...schema };
  return { webhook_type, webhook_config: { api_schema, response_timeout_secs: 5, ...config } };
}

function preCall(path: string, parts: Parts = {}) {
  return webhook('WEBHOOK_TYPE_PRE_CALL', path, parts);
}

function postCall(path: string, parts: Parts = {}) {
  return webhook('WEBHOOK_TYPE_POST_CALL', path, parts);
}
