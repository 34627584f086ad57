import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import type { Reply, Respond } from '../../support/receiver.ts';
import type { Partially } from '../../support/rpc.ts';

/** Is the secret of each agent of the scene. No page may show it. */
export const SECRET = 'crm-secret-of-the-scene';

/** Holds the origins of the endpoints, such as `http://127.0.0.1:8080`. */
export interface Endpoints {
  readonly plain: string;
  /** Is an origin with TLS, which finds any customer. */
  readonly secure: string;
}

/** Describes a call: what the endpoint answers, what the webhook is, and the outcome. */
export interface CallRow {
  readonly name: string;
  readonly outcome: string;
  readonly reply?: Reply | Respond;
  /** Returns the URL. The default is `/lookup` of the plain endpoint. */
  readonly url?: (endpoints: Endpoints) => string;
  readonly config?: Partially<pb.WebhookConfig>;
  /** The schema of the webhook, besides URL, method and the usual headers. */
  readonly schema?: (endpoints: Endpoints) => Partially<pb.ApiSchema>;
}

/** Is what the endpoints know of a caller. */
export const CUSTOMER = { full_name: 'Ada Lovelace', plan: 'gold', phone: '+1 415 555 0123' };
/** What an endpoint answers that has more than the webhook asks for, and not all that it asks for. */
const STRANGE = {
  customer: { full_name: 'Ada Lovelace', plan: null, phone: '', tags: ['vip', 'eu'] },
  history: 'x'.repeat(17_000),
  tree: JSON.parse(`${'['.repeat(26)}1${']'.repeat(26)}`) as object,
};
const PIXEL = Buffer.from('89504e470d0a1a0a0000000d49484452ff00fe', 'hex');

/** The variables that each agent of the scene declares. */
export const VARIABLES = {
  customer_name: 'there',
  plan: 'unknown',
  phone: null,
  history: '',
  tree: null,
  tier: 'none',
};

/** The usual assignments: two variables of the customer. */
export const ASSIGNMENTS = [
  { attributeName: 'customer.full_name', dynamicVariable: 'customer_name' },
  { attributeName: 'customer.plan', dynamicVariable: 'plan' },
];
const REQUIRED = [{ attributeName: 'customer.id', dynamicVariable: 'tier', required: true }];
const BLOCKING = { failurePolicy: pb.FailurePolicy.FAILURE_POLICY_BLOCK };

/** Lists calls that an endpoint alone brings about: one of each failure code, and some that succeed. */
export const START_ROWS: readonly CallRow[] = [
  { name: 'success', outcome: 'SUCCEEDED', reply: { body: { customer: CUSTOMER } } },
  { name: 'over TLS', outcome: 'SUCCEEDED', url: ({ secure }) => `${secure}/lookup` },
  {
    name: 'missed',
    outcome: 'SUCCEEDED',
    reply: { body: STRANGE },
    config: {
      assignments: [
        { attributeName: 'customer.name', dynamicVariable: 'customer_name' },
        { attributeName: 'customer.plan', dynamicVariable: 'plan' },
        { attributeName: 'customer.phone', dynamicVariable: 'phone', skipEmpty: true },
        { attributeName: 'history', dynamicVariable: 'history' },
        { attributeName: 'tree', dynamicVariable: 'tree' },
        { attributeName: 'customer.tier', dynamicVariable: 'tier', defaultValue: 'standard' },
      ],
    },
  },
  {
    name: 'rejected',
    outcome: 'SUCCEEDED',
    reply: { status: 403, body: { reason: 'The number is on the list of blocked callers.' } },
    config: { rejection: { httpStatuses: [403], reasonAttributeName: 'reason' } },
  },
  {
    name: 'blocked',
    outcome: 'FAILED HTTP_STATUS YES',
    reply: { status: 503, body: { error: 'The CRM is down for maintenance.' } },
    config: BLOCKING,
  },
  {
    name: 'masked',
    outcome: 'SUCCEEDED',
    reply: {
      headers: { 'x-echo': SECRET, 'x-session-token': 'abc' },
      body: { customer: CUSTOMER, echo: SECRET },
    },
  },
  {
    name: 'binary',
    outcome: 'FAILED INVALID_RESPONSE YES',
    reply: { body: PIXEL, headers: { 'content-type': 'image/png' } },
  },
  // The record keeps 64 KiB of this one line.
  {
    name: 'long line',
    outcome: 'SUCCEEDED',
    reply: { body: { customer: CUSTOMER, log: 'y'.repeat(100_000) } },
  },
  {
    name: 'HTTP_STATUS',
    outcome: 'FAILED HTTP_STATUS YES',
    reply: { status: 500, body: 'Internal Server Error' },
  },
  {
    name: 'REDIRECT',
    outcome: 'FAILED REDIRECT YES',
    reply: { status: 302, headers: { location: '/login' } },
  },
  {
    name: 'INVALID_RESPONSE',
    outcome: 'FAILED INVALID_RESPONSE YES',
    reply: { body: '<html><p>Log in</p></html>', headers: { 'content-type': 'text/html' } },
  },
  {
    name: 'RESPONSE_TOO_LARGE',
    outcome: 'FAILED RESPONSE_TOO_LARGE YES',
    reply: { body: { log: 'z'.repeat(300_000) } },
  },
  {
    name: 'ASSIGNMENT_MISSING',
    outcome: 'FAILED ASSIGNMENT_MISSING YES',
    reply: { body: { customer: CUSTOMER } },
    config: { assignments: REQUIRED },
  },
  {
    name: 'TIMEOUT',
    outcome: 'FAILED TIMEOUT MAYBE',
    reply: { delayMs: 5_000 },
    config: { responseTimeoutSecs: 0.3 },
  },
  { name: 'PROTOCOL', outcome: 'FAILED PROTOCOL MAYBE', reply: (_, response) => void response.destroy() },
  { name: 'RENDER', outcome: 'FAILED RENDER NO', url: ({ plain }) => `${plain}/{{tree}}/x` },
  { name: 'EGRESS_DENIED', outcome: 'FAILED EGRESS_DENIED NO', url: () => 'http://inside.example/lookup' },
  { name: 'DNS', outcome: 'FAILED DNS NO', url: () => 'http://nowhere.example/lookup' },
  { name: 'TLS', outcome: 'FAILED TLS NO', url: ({ plain }) => plain.replace('http:', 'https:') },
  // Only root may listen there, and nobody does.
  { name: 'CONNECT', outcome: 'FAILED CONNECT NO', url: () => 'http://127.0.0.1:9/lookup' },
  {
    name: 'AUTH',
    outcome: 'FAILED AUTH NO',
    schema: ({ plain }) => ({
      requestHeaders: {},
      auth: {
        method: {
          $case: 'oauth2',
          value: { tokenUrl: `${plain}/token`, clientId: 'callhooks', clientSecret: '{{secret.CRM_TOKEN}}' },
        },
      },
    }),
  },
];

/** Lists reports that an endpoint alone brings about. */
export const END_ROWS: readonly CallRow[] = [
  { name: 'report', outcome: 'SUCCEEDED', reply: { status: 204 } },
  {
    name: 'failed report',
    outcome: 'FAILED HTTP_STATUS YES',
    reply: { status: 500, body: { error: 'no such contact' } },
  },
];
