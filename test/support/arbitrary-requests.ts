import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { anyJson, anyStruct, anyText, goodStruct } from './arbitrary-json.ts';
import { anyTyped, mostly, VARIABLES } from './arbitrary-webhooks.ts';
import type { Partially } from './rpc.ts';

/** Lists what exists, so that random requests get past the first check. It is read when a request is generated. */
export interface Known {
  readonly agentUuids: string[];
  readonly webhookUuids: string[];
  readonly conversationUuids: string[];
  readonly executionUuids: string[];
  readonly pageTokens: string[];
  readonly etags: string[];
  /** Holds the URL to which the webhooks of random requests mostly go. */
  readonly endpoint: string;
}

type Messages = {
  [K in keyof typeof pb as K extends `${string}Request` ? K : never]: (typeof pb)[K] extends {
    decode(bytes: Uint8Array): infer T;
  }
    ? fc.Arbitrary<Partially<T>>
    : never;
};

function oneOf(pool: readonly string[]): fc.Arbitrary<string> {
  return fc.nat(1_000_000).map((n) => pool[n % pool.length] ?? randomUUID());
}

const noUuid = fc.oneof(
  fc.constantFrom(
    '',
    '00000000-0000-0000-0000-000000000000',
    '{0192f0c1-7b1e-7abc-8def-0123456789ab}',
    'urn:uuid:0192f0c1-7b1e-7abc-8def-0123456789ab',
    '0192f0c17b1e7abc8def0123456789ab',
    '0192f0c1-7b1e-7abc-8def-0123456789a',
    '0192f0c1-7b1e-7abc-8def-0123456789ag',
    ' 0192f0c1-7b1e-7abc-8def-0123456789ab',
    '0192f0c1-7b1e-7abc-8def-0123456789ab\n',
    '０192f0c1-7b1e-7abc-8def-0123456789ab',
  ),
  anyText,
);
const freshUuid = fc.oneof(
  fc.uuid(),
  fc.uuid().map((uuid) => uuid.toUpperCase()),
  fc.constantFrom('ffffffff-ffff-ffff-ffff-ffffffffffff'),
);

function uuid(pool: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 16, arbitrary: oneOf(pool) },
    { weight: 2, arbitrary: oneOf(pool).map((known) => known.toUpperCase()) },
    { weight: 2, arbitrary: freshUuid },
    { weight: 1, arbitrary: noUuid },
  );
}

function noUuidOr(pool: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof({ weight: 1, arbitrary: fc.constant('') }, { weight: 1, arbitrary: uuid(pool) });
}

function enumNumber(...good: number[]) {
  return mostly(fc.constantFrom(...good), fc.integer()) as fc.Arbitrary<any>;
}

function maskPaths(...paths: string[]): fc.Arbitrary<string[]> {
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant<string[]>(['*']) },
    { weight: 6, arbitrary: fc.subarray(paths, { minLength: 1 }) },
    {
      weight: 2,
      arbitrary: fc.array(
        fc.oneof(
          fc.constantFrom('agent_uuid', 'etag', '', '.', 'webhook_config.', 'webhookConfig', 'a.b.c', '**'),
          anyText.filter((text) => text.length < 1_000),
        ),
        { maxLength: 4 },
      ),
    },
  );
}

const AGENT_PATHS = ['display_name', 'dynamic_variables', 'webhooks'];
const WEBHOOK_PATHS = [
  'disabled',
  'webhook_config',
  'webhook_config.api_schema',
  'webhook_config.api_schema.url',
  'webhook_config.api_schema.method',
  'webhook_config.api_schema.request_headers',
  'webhook_config.api_schema.request_body',
  'webhook_config.assignments',
  'webhook_config.response_timeout_secs',
  'webhook_config.failure_policy',
  'webhook_config.signing_secret_names',
];

const duration = mostly(
  fc.record({ seconds: fc.bigInt(0n, 86_400n), nanos: fc.integer({ min: 0, max: 999_999_999 }) }),
  fc.record({ seconds: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), nanos: fc.integer() }),
);

const summary = mostly(fc.constantFrom('', 'They talked. 😀'), anyText);

const SIGNING = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const secrets = mostly(
  fc.constantFrom<Record<string, string>>({ token: 'a long enough secret', signing: SIGNING }),
  fc.dictionary(fc.oneof(fc.constantFrom('token', 'x', '__proto__', 'constructor'), anyText), anyText, {
    maxKeys: 4,
  }),
);

const variables = mostly(goodStruct(VARIABLES), anyStruct(VARIABLES));
const metadata = mostly(
  fc.constantFrom({}, { direction: 'inbound' }),
  fc.dictionary(anyText, anyJson, { maxKeys: 3 }),
);
const details = {
  callerPhone: mostly(fc.constantFrom('', '+14155550123', '😀'), anyText),
  dynamicVariables: variables,
  metadata,
};

function webhook(known: Known): fc.Arbitrary<Partially<pb.Webhook>> {
  return fc
    .tuple(anyTyped(known.endpoint), mostly(fc.constant(false), fc.constant(true)), anyText)
    .map(([typed, disabled, etag]) => ({ ...typed, disabled, etag }));
}

/** Generates an agent that is good, or broken in any of its fields. */
export function anyAgent(known: Known): fc.Arbitrary<Partially<pb.Agent>> {
  return fc.record({
    displayName: mostly(fc.constantFrom('', 'Ada 😀'), anyText),
    dynamicVariables: mostly(
      goodStruct(VARIABLES).map((some) => ({
        ...Object.fromEntries(VARIABLES.map((name) => [name, null])),
        ...some,
      })),
      anyStruct(VARIABLES),
    ),
    webhooks: fc.uniqueArray(webhook(known), { maxLength: 2, selector: (it) => it.webhookType }),
  });
}

function page(known: Known) {
  return {
    pageSize: mostly(fc.constantFrom(0, 1, 2, 200, 201), fc.integer()),
    pageToken: fc.oneof(fc.constant(''), oneOf(known.pageTokens), anyText),
  };
}

function etag(known: Known) {
  return fc.oneof(fc.constant(''), oneOf(known.etags), anyText);
}

/** Returns a generator of the request message of each RPC, by the message's name. */
export function anyRequests(known: Known): Messages {
  return {
    CreateAgentRequest: fc.record(
      {
        agent: fc
          .tuple(anyAgent(known), noUuidOr(known.agentUuids))
          .map(([agent, agentUuid]) => ({ ...agent, agentUuid })),
        secrets,
      },
      { requiredKeys: [] },
    ),
    GetAgentRequest: fc.record({ agentUuid: uuid(known.agentUuids) }),
    ListAgentsRequest: fc.record(page(known)),
    UpdateAgentRequest: fc.record(
      {
        agent: fc
          .tuple(anyAgent(known), uuid(known.agentUuids), etag(known))
          .map(([agent, agentUuid, stored]) => ({ ...agent, agentUuid, etag: stored })),
        updateMask: maskPaths(...AGENT_PATHS),
        secrets,
        removeSecrets: mostly(fc.constantFrom<string[]>([], ['token']), fc.array(anyText, { maxLength: 3 })),
      },
      { requiredKeys: ['agent'] },
    ),
    DeleteAgentRequest: fc.record({ agentUuid: uuid(known.agentUuids), etag: etag(known) }),
    CreateWebhookRequest: fc
      .tuple(webhook(known), uuid(known.agentUuids))
      .map(([some, agentUuid]) => ({ ...some, agentUuid })),
    GetWebhookRequest: fc.record({
      webhookUuid: uuid(known.webhookUuids),
      agentUuid: noUuidOr(known.agentUuids),
    }),
    ListWebhooksRequest: fc.record({ agentUuid: noUuidOr(known.agentUuids), ...page(known) }),
    UpdateWebhookRequest: fc.record(
      {
        webhook: fc
          .tuple(webhook(known), uuid(known.webhookUuids), etag(known))
          .map(([some, webhookUuid, stored]) => ({ ...some, webhookUuid, etag: stored })),
        updateMask: maskPaths(...WEBHOOK_PATHS),
      },
      { requiredKeys: ['webhook'] },
    ),
    DeleteWebhookRequest: fc.record({
      webhookUuid: uuid(known.webhookUuids),
      agentUuid: noUuidOr(known.agentUuids),
      etag: etag(known),
    }),
    TestWebhookRequest: fc
      .tuple(
        fc.oneof(anyTyped(known.endpoint), fc.constant({})),
        fc.record(
          {
            webhookUuid: noUuidOr(known.webhookUuids),
            agentUuid: noUuidOr(known.agentUuids),
            conversationUuid: noUuidOr(known.conversationUuids),
            ...details,
            callDuration: duration,
            callSummary: summary,
            send: fc.boolean(),
          },
          { requiredKeys: [] },
        ),
      )
      .map(([typed, rest]) => ({ ...typed, ...rest })),
    OnCallStartRequest: fc.record({
      agentUuid: uuid(known.agentUuids),
      conversationUuid: fc.oneof(fc.uuid(), uuid(known.conversationUuids)),
      ...details,
    }),
    OnCallEndRequest: fc.record(
      {
        agentUuid: uuid(known.agentUuids),
        conversationUuid: fc.oneof(fc.uuid(), uuid(known.conversationUuids)),
        ...details,
        callDuration: duration,
        callSummary: summary,
      },
      { requiredKeys: ['agentUuid', 'conversationUuid'] },
    ),
    GetExecutionRequest: fc.record({ executionUuid: uuid(known.executionUuids) }),
    ListExecutionsRequest: fc.record(
      {
        agentUuid: noUuidOr(known.agentUuids),
        conversationUuid: noUuidOr(known.conversationUuids),
        webhookUuid: noUuidOr(known.webhookUuids),
        webhookType: enumNumber(0, 1, 2),
        states: fc.array(enumNumber(1, 2, 3, 4, 5), { maxLength: 3 }),
        failureCodes: fc.array(enumNumber(1, 2, 3, 7, 12, 18), { maxLength: 3 }),
        degraded: fc.boolean(),
        acceptedAtFrom: fc.date({ noInvalidDate: true }),
        acceptedAtTo: fc.date({ noInvalidDate: true }),
        ...page(known),
      },
      { requiredKeys: [] },
    ),
    WatchExecutionsRequest: fc.record(
      {
        agentUuid: noUuidOr(known.agentUuids),
        states: fc.array(enumNumber(3, 4, 5), { maxLength: 3 }),
        rejected: fc.boolean(),
        finishedAtFrom: fc.date({ noInvalidDate: true }),
      },
      { requiredKeys: [] },
    ),
  };
}
