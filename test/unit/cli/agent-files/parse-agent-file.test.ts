import { expect } from 'chai';
import fc from 'fast-check';
import { parseAgentFile } from '../../../../src/cli/agent-files/parse-agent-file.ts';
import { problemLine } from '../../../../src/cli/agent-files/read-agent-files.ts';
import { toDocument } from '../../../../src/cli/agent-files/to-document.ts';
import { WebhookType } from '../../../../src/gen/index.callhooks.v1.ts';

const GOOD = `agent_uuid: A0000000-0000-4000-8000-000000000001
display_name: Front desk
dynamic_variables:
  customer_name: there
  plan: null
secrets:
  CRM_TOKEN: { env: CRM_TOKEN }
webhooks:
  - webhook_type: WEBHOOK_TYPE_PRE_CALL
    webhook_config:
      api_schema:
        url: https://api.example.com/lookup
        method: post
        request_headers:
          Authorization: Bearer {{secret.CRM_TOKEN}}
        request_body: { phone: "{{caller_phone}}" }
      assignments:
        - attribute_name: customer.name
          dynamic_variable: customer_name
`;

function problemsOf(text: string): readonly string[] {
  return parseAgentFile('a.yaml', text).problems.map(problemLine);
}

/** Each row: what is replaced by what, and the problems of the file then. */
const ROWS: [title: string, from: string | RegExp, to: string, problems: readonly string[]][] = [
  [
    'a field that does not exist, with the nearest name',
    'request_headers:',
    'request_header:',
    [
      'a.yaml:14:9: webhooks[0].webhook_config.api_schema.request_header: is no field of ApiSchema: did you mean request_headers?',
    ],
  ],
  [
    'a field that is like none, with all names',
    'display_name:',
    'zzz:',
    [
      'a.yaml:2:1: zzz: is no field of Agent: its fields are agent_uuid, display_name, dynamic_variables, webhooks, secrets',
    ],
  ],
  [
    'a field in both spellings',
    'display_name: Front desk',
    'display_name: A\ndisplayName: B',
    ["a.yaml:3:1: displayName: can't stand beside display_name"],
  ],
  ['no id', /^agent_uuid.*\n/, '', ['a.yaml:1:1: agent_uuid: is required']],
  [
    'an id that is none',
    /A0000000.*/,
    'me',
    [
      'a.yaml:1:1: agent_uuid: must be a UUID of 8-4-4-4-12 hex digits, not all zero; make a name-based one (RFC 9562, version 5) from an id of your own',
    ],
  ],
  [
    'a field that the server sets',
    'display_name:',
    'etag: abc\ndisplay_name:',
    ['a.yaml:2:1: etag: is set by the server and has no place in a file: remove it'],
  ],
  [
    'a text where a flag belongs',
    '  - webhook_type',
    '  - disabled: no\n    webhook_type',
    ['a.yaml:9:15: webhooks[0].disabled: must be true or false'],
  ],
  [
    'a number where a text belongs',
    'Front desk',
    '12',
    ['a.yaml:2:15: display_name: must be a text: put it into quotes'],
  ],
  [
    'an enum value that does not exist',
    'WEBHOOK_TYPE_PRE_CALL',
    'pre_call',
    ['a.yaml:9:19: webhooks[0].webhook_type: must be WEBHOOK_TYPE_PRE_CALL or WEBHOOK_TYPE_POST_CALL'],
  ],
  [
    'the value of a secret',
    '{ env: CRM_TOKEN }',
    'crm-token',
    [
      'a.yaml:7:14: secrets.CRM_TOKEN: a file never holds the value of a secret: write { env: NAME } or { file: path }',
    ],
  ],
  [
    'a literal secret in a header',
    'Bearer {{secret.CRM_TOKEN}}',
    'Bearer abc',
    [
      'a.yaml:15:11: webhooks[0].webhook_config.api_schema.request_headers[Authorization]: is a secret: put its value into a secret of the agent and write {{secret.NAME}}',
    ],
  ],
  ['a placeholder of a secret that the file does not name', 'CRM_TOKEN:', 'CRM_TOKENS:', []],
  [
    'an assignment to a variable that is not declared',
    'dynamic_variable: customer_name',
    'dynamic_variable: customer',
    [],
  ],
  [
    'a list where a map belongs',
    /dynamic_variables:[^]*?secrets/,
    'dynamic_variables: [a]\nsecrets',
    ['a.yaml:3:20: dynamic_variables: must be a map of names to values'],
  ],
  ['a list instead of an agent', /[^]*/, '- a\n', ['a.yaml:1:1: must be a map of fields']],
  [
    'an integer that loses digits, with its field',
    'plan: null',
    'plan: [1, 12345678901234567890]',
    [
      'a.yaml:5:13: dynamic_variables.plan[1]: is an integer beyond ±(2^53-1), which loses digits: write it as a text, in quotes',
    ],
  ],
];

describe('parseAgentFile', () => {
  it('reads an agent with the defaults of the server', () => {
    const { file, problems } = parseAgentFile('a.yaml', GOOD);
    expect(problems).to.deep.equal([]);
    expect(file?.agent.agentUuid).to.equal('a0000000-0000-4000-8000-000000000001');
    expect([...(file?.secrets ?? [])]).to.deep.equal([['CRM_TOKEN', { env: 'CRM_TOKEN' }]]);
    const [webhook] = file?.agent.webhooks ?? [];
    expect(webhook?.webhookType).to.equal(WebhookType.WEBHOOK_TYPE_PRE_CALL);
    expect(webhook?.webhookConfig?.responseTimeoutSecs).to.equal(10);
    expect(webhook?.webhookConfig?.apiSchema?.method).to.equal('POST');
  });

  it('reads the same from camelCase and from JSON', () => {
    const camel = GOOD.replaceAll(/^([ -]*)([a-z_]+):(?= |$)/gm, (whole, indent: string, name: string) =>
      ['customer_name', 'plan', 'phone'].includes(name)
        ? whole
        : `${indent}${name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())}:`,
    );
    expect(camel).to.include('requestHeaders');
    const { file } = parseAgentFile('a.yaml', GOOD);
    const { file: other, problems } = parseAgentFile('b.yaml', camel);
    expect(problems).to.deep.equal([]);
    expect(other?.agent).to.deep.equal(file?.agent);
    const json = JSON.stringify(toDocument(file!.agent)).replace(
      /\}$/,
      ',"secrets":{"CRM_TOKEN":{"env":"X"}}}',
    );
    expect(parseAgentFile('c.yaml', json).file?.agent).to.deep.equal(file?.agent);
  });

  for (const [title, from, to, problems] of ROWS)
    it(`refuses ${title}`, () => {
      const found = problemsOf(GOOD.replace(from, to));
      if (problems.length > 0) expect(found).to.deep.equal(problems);
      expect(found.join()).to.match(/^a\.yaml:\d+:\d+: /);
    });

  it('tells what breaks rules beside what can not be read, and not what follows from that', () => {
    const text = GOOD.replace('method:', 'methd:').replace(
      '_variable: customer_name',
      '_variable: customer_nam',
    );
    expect(problemsOf(text).map((line) => line.split(': ')[1])).to.deep.equal([
      'webhooks[0].webhook_config.api_schema.methd',
      'webhooks[0].webhook_config.assignments[0].dynamic_variable',
    ]);
    // Without its variables, each use of one would be wrong.
    const misspelt = GOOD.replace('dynamic_variables:', 'dynamic_variable:').replace('post', 'pots');
    expect(problemsOf(misspelt)).to.have.lengthOf(1);
    const bothTold = GOOD.replace('Front desk', '12').replace('post', 'pots');
    expect(problemsOf(bothTold)).to.have.lengthOf(2);
  });

  it('tells all problems at once, in the order of the file', () => {
    const found = problemsOf(
      GOOD.replace('Front desk', '12')
        .replace('{ env: CRM_TOKEN }', '{ evn: X }')
        .replace('method:', 'methd:'),
    );
    expect(found.map((line) => line.split(':')[1])).to.deep.equal(['2', '7', '13']);
  });

  it('reads any text, and any change of a good one, without an exception', () => {
    const pieces = [
      '{{',
      '}}',
      '*a',
      '&a ',
      '- ',
      ': ',
      '? ',
      '\n',
      '  ',
      '"',
      '[',
      '}',
      '!!x ',
      '|',
      '<<: ',
      '\t',
      'é',
    ];
    const noise = fc.array(
      fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 5 })),
      {
        maxLength: 8,
      },
    );
    const change = fc.tuple(fc.nat(GOOD.length), fc.nat(30), noise);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        let text = GOOD;
        for (const [at, length, more] of changes)
          text = text.slice(0, at) + more.join('') + text.slice(at + length);
        const { file, problems } = parseAgentFile('a.yaml', text);
        expect(file === undefined).to.equal(problems.length > 0);
      }),
      { numRuns: 2000 },
    );
  }).timeout(60_000);

  const AUTHS: [auth: string, field: string | undefined][] = [
    ['{ basic: { username: me, password: abc } }', 'auth.basic.password'],
    ['{ basic: { username: sk_live_abc } }', 'auth.basic.username'],
    ['{ bearer: { token: abc } }', 'auth.bearer.token'],
    ['{ bearer: { token: "key-{{secret.CRM_TOKEN}}" } }', 'auth.bearer.token'],
    [
      '{ oauth2: { tokenUrl: "https://x.example.com", clientId: a, clientSecret: b } }',
      'auth.oauth2.client_secret',
    ],
    ['{ basic: { username: me, password: "{{secret.CRM_TOKEN}}" } }', undefined],
    ['{ bearer: { token: "••••••" } }', undefined],
  ];
  for (const [auth, field] of AUTHS)
    it(`${field === undefined ? 'takes' : 'refuses the literal secret in'} auth: ${auth}`, () => {
      const text = GOOD.replace(/request_headers:\n.*\n/, `auth: ${auth}\n`);
      const fields = problemsOf(text).map((line) => line.split(': ')[1]);
      expect(fields).to.deep.equal(
        field === undefined ? [] : [`webhooks[0].webhook_config.api_schema.${field}`],
      );
    });

  it('takes one method of auth only', () => {
    const auth = '{ bearer: { token: "{{secret.CRM_TOKEN}}" }, basic: { username: a } }';
    expect(problemsOf(GOOD.replace(/request_headers:\n.*\n/, `auth: ${auth}\n`)).join()).to.match(
      /auth\.basic: can't stand beside bearer/,
    );
  });

  it('takes the mask of a header for the value that the server has', () => {
    expect(problemsOf(GOOD.replace('Bearer {{secret.CRM_TOKEN}}', '••••••'))).to.deep.equal([]);
  });

  it('finds the place of a field of the request, or of the nearest field around it', () => {
    const { file } = parseAgentFile('a.yaml', GOOD);
    const at = (field: string) => file?.problemAt(field, 'x').line;
    expect(at('agent.webhooks[0].webhook_config.api_schema.url')).to.equal(12);
    expect(at('agent.webhooks[0].webhook_config.api_schema.request_body.phone')).to.equal(16);
    expect(at('agent.webhooks[0].webhook_config.api_schema.auth.basic.password')).to.equal(11);
    expect(at('agent.webhooks[0].webhook_config.assignments[0].dynamic_variable')).to.equal(19);
    expect(at('secrets.CRM_TOKEN')).to.equal(7);
    expect(at('secrets.OTHER')).to.equal(6);
    expect(at('agent')).to.equal(1);
    expect(at('update_mask')).to.equal(0);
  });
});
