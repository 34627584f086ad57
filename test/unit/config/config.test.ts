import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { CLIENT_VARIABLES } from '../../../src/config/client-variables.ts';
import { settingOf, VARIABLE_NAMES } from '../../../src/config/schema.ts';
import { parseConfig, type Config } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/errors.ts';

type Environment = Record<string, string | undefined>;

const KEY = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const TOKENS = `platform:lifecycle:${'ab'.repeat(32)}`;
const OUTSIDE = { CALLHOOKS_LISTEN: '0.0.0.0:50051' };
const certFile = (name: string) => fileURLToPath(new URL(`../../support/certs/${name}`, import.meta.url));
const TLS = {
  CALLHOOKS_TLS_CERT_FILE: certFile('endpoint.pem'),
  CALLHOOKS_TLS_KEY_FILE: certFile('endpoint.key'),
};
const MYSQL = { DATABASE_URL: 'mysql://user:hunter2@db:3306/callhooks', CALLHOOKS_ENCRYPTION_KEYS: KEY };

const problemsOf = (env: Environment): readonly string[] => {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe('parseConfig', () => {
  let folder: string;
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'callhooks-config-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('returns the defaults for an empty environment', () => {
    const { instance, ...rest } = parseConfig({});
    expect(instance).to.match(/^.+-[0-9a-f]{8}$/);
    expect(rest).to.deep.equal({
      listen: { address: '127.0.0.1:50051', isLoopback: true },
      healthListen: undefined,
      tls: undefined,
      apiTokens: undefined,
      auth: undefined,
      insecure: false,
      opsListen: { address: '127.0.0.1:9464', isLoopback: true },
      console: true,
      dataDir: resolve('data'),
      databaseUrl: undefined,
      databaseCertificates: undefined,
      migrate: false,
      encryptionKeys: undefined,
      egressAllow: [],
      egressDeny: [],
      egressHttpsOnly: false,
      egressProxy: undefined,
      egressNoProxy: [],
      egressProxyResolves: false,
      ignoredProxyVariables: [],
      endpointCertificates: undefined,
      dnsServers: undefined,
      sendTraceparent: true,
      tracing: undefined,
      maxResponseBytes: 262_144,
      recordBodyBytes: 4096,
      maxPreCalls: 4000,
      maxPreCallsPerOrigin: 1000,
      maxPostCalls: 1024,
      maxPostCallsPerOrigin: 128,
      maxBacklog: 1_000_000,
      maxBufferedBytes: 268_435_456,
      startByMs: 86_400_000,
      retentionDays: 30,
      keyRetentionDays: 0,
      reflection: true,
      logLevel: 'info',
      shutdownGraceMs: 65_000,
    });
  });

  it('makes an instance name of the host name, the process id and random digits, a different one each time', () => {
    const names = [1, 2].map(() => parseConfig({}, 4711).instance);
    expect(names[0]).to.match(/-4711-[0-9a-f]{8}$/);
    expect(names[0]).not.to.equal(names[1]);
  });

  it('returns frozen settings', () => {
    expect(parseConfig({})).to.be.frozen;
  });

  const accepted: [string, Environment, Partial<Config>][] = [
    ['an empty variable as absent', { CALLHOOKS_MAX_BACKLOG: '', CALLHOOKS_AUTH: ' ' }, { maxBacklog: 1e6 }],
    ['a value with blanks around it', { CALLHOOKS_MAX_BACKLOG: ' 5\n' }, { maxBacklog: 5 }],
    ['port 0', { CALLHOOKS_LISTEN: '127.0.0.1:0' }, { listen: { address: '127.0.0.1:0', isLoopback: true } }],
    ['IPv6 loopback', { CALLHOOKS_LISTEN: '[::1]:1' }, { listen: { address: '[::1]:1', isLoopback: true } }],
    [
      'localhost',
      { CALLHOOKS_LISTEN: 'localhost:1' },
      { listen: { address: 'localhost:1', isLoopback: true } },
    ],
    [
      'an address that other machines reach, with both permissions',
      { CALLHOOKS_LISTEN: '0.0.0.0:50051', CALLHOOKS_INSECURE: 'true', CALLHOOKS_AUTH: 'none' },
      { listen: { address: '0.0.0.0:50051', isLoopback: false } },
    ],
    [
      'an address that other machines reach, in plaintext with tokens',
      { ...OUTSIDE, CALLHOOKS_INSECURE: 'true', CALLHOOKS_AUTH_TOKENS: TOKENS },
      { tls: undefined },
    ],
    [
      'an address that other machines reach, with TLS and tokens',
      { ...OUTSIDE, ...TLS, CALLHOOKS_AUTH_TOKENS: TOKENS },
      { listen: { address: '0.0.0.0:50051', isLoopback: false } },
    ],
    [
      'an address that other machines reach, with TLS and without tokens on purpose',
      { ...OUTSIDE, ...TLS, CALLHOOKS_AUTH: 'none' },
      { apiTokens: undefined },
    ],
    [
      'a health port that other machines reach',
      { CALLHOOKS_HEALTH_LISTEN: '0.0.0.0:50052' },
      { healthListen: { address: '0.0.0.0:50052', isLoopback: false } },
    ],
    [
      'the authority of a database whose certificate is verified',
      {
        ...{ ...MYSQL, DATABASE_URL: `${MYSQL.DATABASE_URL}?ssl-mode=VERIFY_CA` },
        CALLHOOKS_DATABASE_CA_FILE: certFile('database-ca.pem'),
      },
      { databaseCertificates: readFileSync(certFile('database-ca.pem'), 'utf8').trimEnd() },
    ],
    ['a database with its keys', MYSQL, { databaseUrl: MYSQL.DATABASE_URL }],
    ['bytes with units', { CALLHOOKS_MAX_RESPONSE_BYTES: '4MiB' }, { maxResponseBytes: 4_194_304 }],
    ['no recorded bodies', { CALLHOOKS_RECORD_BODY_BYTES: '0' }, { recordBodyBytes: 0 }],
    ['a duration in minutes', { CALLHOOKS_START_BY: '90m' }, { startByMs: 5_400_000 }],
    ['0 as no limit', { CALLHOOKS_START_BY: '0' }, { startByMs: 0 }],
    ['a short grace', { CALLHOOKS_SHUTDOWN_GRACE: '1500ms' }, { shutdownGraceMs: 1500 }],
    [
      'lists separated by commas and white space',
      { CALLHOOKS_EGRESS_ALLOW: '10.0.0.0/8:80, crm.corp.example\n*.corp.example' },
      { egressAllow: ['10.0.0.0/8:80', 'crm.corp.example', '*.corp.example'] },
    ],
    [
      'name servers with IPv4 and IPv6 addresses',
      { CALLHOOKS_DNS_SERVERS: '10.0.0.2,10.0.0.3:5353 [::1]:53,::1' },
      { dnsServers: ['10.0.0.2', '10.0.0.3:5353', '[::1]:53', '::1'] },
    ],
    [
      'flags',
      { CALLHOOKS_REFLECTION: 'false', CALLHOOKS_SEND_TRACEPARENT: 'false' },
      { reflection: false, sendTraceparent: false },
    ],
    ['an instance name', { CALLHOOKS_INSTANCE: 'pod-7' }, { instance: 'pod-7' }],
    ['NODE_TLS_REJECT_UNAUTHORIZED other than 0', { NODE_TLS_REJECT_UNAUTHORIZED: '1' }, {}],
  ];
  for (const [title, env, expected] of accepted) {
    it(`takes ${title}`, () => {
      expect(parseConfig(env)).to.deep.include(expected);
    });
  }

  const refused: [string, Environment, RegExp][] = [
    [
      'a listen address without a port',
      { CALLHOOKS_LISTEN: '127.0.0.1' },
      /^CALLHOOKS_LISTEN must be host:port/,
    ],
    ['a port above 65535', { CALLHOOKS_LISTEN: '127.0.0.1:65536' }, /^CALLHOOKS_LISTEN must be host:port/],
    [
      'an address of every interface with TLS alone',
      { ...OUTSIDE, ...TLS },
      /reached from other machines, without tokens: .*CALLHOOKS_AUTH_TOKENS.*CALLHOOKS_AUTH=none/,
    ],
    [
      'an address of every interface with tokens alone',
      { ...OUTSIDE, CALLHOOKS_AUTH_TOKENS: TOKENS },
      /reached from other machines, in plaintext: .*CALLHOOKS_TLS_CERT_FILE.*CALLHOOKS_INSECURE=true/,
    ],
    [
      'a host name other than localhost',
      { CALLHOOKS_LISTEN: 'localhost.example:1', CALLHOOKS_AUTH: 'none' },
      /reached from other machines/,
    ],
    [
      'an address of every interface with CALLHOOKS_INSECURE alone',
      { CALLHOOKS_LISTEN: '[::]:1', CALLHOOKS_INSECURE: 'true' },
      /CALLHOOKS_AUTH=none/,
    ],
    [
      'an address of every interface with CALLHOOKS_AUTH alone',
      { CALLHOOKS_LISTEN: '[::]:1', CALLHOOKS_AUTH: 'none' },
      /CALLHOOKS_INSECURE=true/,
    ],
    [
      'tokens together with CALLHOOKS_AUTH=none',
      { CALLHOOKS_AUTH: 'none', CALLHOOKS_AUTH_TOKENS: TOKENS },
      /contradict each other/,
    ],
    [
      'a token in place of its entry',
      { CALLHOOKS_AUTH_TOKENS: 'callhooks_hunter2' },
      /^CALLHOOKS_AUTH_TOKENS entry 1 is not name:role:sha256/,
    ],
    [
      'a parameter of the database that callhooks does not know',
      { ...MYSQL, DATABASE_URL: `${MYSQL.DATABASE_URL}?sslmode=require` },
      /^DATABASE_URL may have the parameter ssl-mode alone, and not sslmode$/,
    ],
    [
      'an unknown parameter of the database beside an unknown ssl-mode',
      { ...MYSQL, DATABASE_URL: `${MYSQL.DATABASE_URL}?ssl-mode=MAYBE&foo=1` },
      /^DATABASE_URL may have the parameter ssl-mode alone, and not foo, and must have one ssl-mode of DISABLED, /,
    ],
    [
      'an authority of a database whose certificate is not verified',
      { ...MYSQL, CALLHOOKS_DATABASE_CA_FILE: certFile('database-ca.pem') },
      /^CALLHOOKS_DATABASE_CA_FILE is not used: .*ssl-mode=VERIFY_IDENTITY/,
    ],
    [
      'an authority without a database server',
      { CALLHOOKS_DATABASE_CA_FILE: certFile('database-ca.pem') },
      /^CALLHOOKS_DATABASE_CA_FILE is not used/,
    ],
    [
      'an authority that is no certificate',
      {
        ...{ ...MYSQL, DATABASE_URL: `${MYSQL.DATABASE_URL}?ssl-mode=VERIFY_CA` },
        CALLHOOKS_DATABASE_CA_FILE: certFile('database.key'),
      },
      /^CALLHOOKS_DATABASE_CA_FILE names a file without a PEM certificate$/,
    ],
    [
      'a TLS key without its certificate',
      { CALLHOOKS_TLS_KEY_FILE: TLS.CALLHOOKS_TLS_KEY_FILE },
      /^CALLHOOKS_TLS_CERT_FILE is required/,
    ],
    [
      'a TLS certificate without its key',
      { CALLHOOKS_TLS_CERT_FILE: TLS.CALLHOOKS_TLS_CERT_FILE },
      /^CALLHOOKS_TLS_KEY_FILE is required/,
    ],
    [
      'a TLS key that does not exist',
      { ...TLS, CALLHOOKS_TLS_KEY_FILE: '/nowhere/key' },
      /^CALLHOOKS_TLS_KEY_FILE names a file that can't be read \(ENOENT\)/,
    ],
    [
      'a TLS key of another certificate',
      { ...TLS, CALLHOOKS_TLS_KEY_FILE: certFile('self-signed.key') },
      /^CALLHOOKS_TLS_KEY_FILE does not fit the certificate of CALLHOOKS_TLS_CERT_FILE$/,
    ],
    [
      'client authorities that are no certificates',
      { ...TLS, CALLHOOKS_TLS_CLIENT_CA_FILE: certFile('README.md') },
      /^CALLHOOKS_TLS_CLIENT_CA_FILE holds no PEM certificate$/,
    ],
    [
      'the URL of another kind of database',
      { ...MYSQL, DATABASE_URL: 'postgres://u:hunter2@h/d' },
      /^DATABASE_URL must be mysql:/,
    ],
    [
      'a database URL without a database name',
      { ...MYSQL, DATABASE_URL: 'mysql://u:hunter2@h' },
      /^DATABASE_URL must name/,
    ],
    [
      'a database without keys',
      { DATABASE_URL: MYSQL.DATABASE_URL },
      /^CALLHOOKS_ENCRYPTION_KEYS is required/,
    ],
    [
      'a key that is not valid',
      { CALLHOOKS_ENCRYPTION_KEYS: 'k1:hunter2' },
      /^CALLHOOKS_ENCRYPTION_KEYS key 1 \(k1\)/,
    ],
    ['a flag other than true or false', { CALLHOOKS_REFLECTION: 'yes' }, /must be true or false, not "yes"/],
    ['a number with a sign', { CALLHOOKS_MAX_PRE_CALLS: '-1' }, /whole number from 1 to/],
    ['a number in hex', { CALLHOOKS_MAX_PRE_CALLS: '0x10' }, /whole number from 1 to/],
    ['a limit of zero', { CALLHOOKS_MAX_POST_CALLS: '0' }, /whole number from 1 to/],
    [
      'a response limit above the maximum',
      { CALLHOOKS_MAX_RESPONSE_BYTES: '4194305' },
      /bytes from 1 to 4MiB/,
    ],
    ['bytes in decimal units', { CALLHOOKS_MAX_RESPONSE_BYTES: '1MB' }, /bytes from/],
    ['a duration without a unit', { CALLHOOKS_SHUTDOWN_GRACE: '65' }, /duration from 1s to 1h/],
    ['a grace of zero', { CALLHOOKS_SHUTDOWN_GRACE: '0' }, /duration from 1s to 1h/],
    ['an unknown log level', { CALLHOOKS_LOG_LEVEL: 'verbose' }, /must be trace, debug, info/],
    ['a name server that is a host name', { CALLHOOKS_DNS_SERVERS: 'dns.example' }, /not "dns.example"/],
    [
      'an egress entry that is a URL',
      { CALLHOOKS_EGRESS_ALLOW: 'http://crm' },
      /^CALLHOOKS_EGRESS_ALLOW holds "http/,
    ],
    [
      'an egress entry with an impossible prefix',
      { CALLHOOKS_EGRESS_DENY: '10.0.0.0/99' },
      /^CALLHOOKS_EGRESS_DENY holds/,
    ],
    [
      'a proxy of another kind',
      { CALLHOOKS_EGRESS_PROXY: 'socks5://u:hunter2@p:1080' },
      /^CALLHOOKS_EGRESS_PROXY must be http/,
    ],
    [
      'a proxy without a port',
      { CALLHOOKS_EGRESS_PROXY: 'http://u:hunter2@p' },
      /^CALLHOOKS_EGRESS_PROXY has no port: /,
    ],
    [
      'a proxy with a path, a query and a fragment, all at once',
      { CALLHOOKS_EGRESS_PROXY: 'http://u:hunter2@p:1/x?y#z' },
      /^CALLHOOKS_EGRESS_PROXY has a path, and has a query, and has a fragment: /,
    ],
    [
      'exceptions of a proxy that are no entries',
      { CALLHOOKS_EGRESS_PROXY: 'http://p:1', CALLHOOKS_EGRESS_NO_PROXY: '.corp.example' },
      /^CALLHOOKS_EGRESS_NO_PROXY holds "\.corp\.example"/,
    ],
    [
      'exceptions of a proxy that is not there',
      { CALLHOOKS_EGRESS_NO_PROXY: 'corp.example' },
      /^CALLHOOKS_EGRESS_NO_PROXY means nothing without CALLHOOKS_EGRESS_PROXY/,
    ],
    [
      'names that a proxy resolves that is not there',
      { CALLHOOKS_EGRESS_PROXY_RESOLVES: 'true' },
      /^CALLHOOKS_EGRESS_PROXY_RESOLVES=true means nothing without CALLHOOKS_EGRESS_PROXY/,
    ],
    ['an instance name with blanks', { CALLHOOKS_INSTANCE: 'a b' }, /visible ASCII/],
    [
      'NODE_TLS_REJECT_UNAUTHORIZED=0',
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      /^NODE_TLS_REJECT_UNAUTHORIZED=0/,
    ],
    [
      'a misspelt variable, and suggests the right one',
      { CALLHOOKS_LISTN: 'x' },
      /did you mean CALLHOOKS_LISTEN\?/,
    ],
    [
      'a variable with an added prefix, and suggests the right one',
      { CALLHOOKS_DATABASE_URL: 'x' },
      /did you mean DATABASE_URL\?/,
    ],
    [
      'a _FILE variable of a setting that is not secret',
      { CALLHOOKS_LISTEN_FILE: 'x' },
      /CALLHOOKS_LISTEN_FILE is not a variable/,
    ],
    [
      'a secret file that does not exist',
      { DATABASE_URL_FILE: '/nowhere/url' },
      /^DATABASE_URL_FILE .*\(ENOENT\)/,
    ],
    [
      'a certificate file that does not exist',
      { CALLHOOKS_CA_FILE: '/nowhere/ca' },
      /^CALLHOOKS_CA_FILE .*\(ENOENT\)/,
    ],
  ];
  for (const [title, env, problem] of refused) {
    it(`refuses ${title}`, () => {
      const problems = problemsOf(env);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(problem);
      expect(problems.join()).not.to.contain('hunter2');
    });
  }

  it('reports all problems at once', () => {
    const env = {
      ...(Object.assign({}, ...refused.map(([, bad]) => bad)) as Environment),
      ...OUTSIDE,
      CALLHOOKS_AUTH: undefined,
      CALLHOOKS_AUTH_TOKENS: undefined,
      CALLHOOKS_INSECURE: undefined,
      CALLHOOKS_TLS_CERT_FILE: undefined,
    };
    const problems = problemsOf(env).join('\n');
    for (const part of [
      ...['CALLHOOKS_LISTN', 'CALLHOOKS_REFLECTION', 'CALLHOOKS_MAX_PRE_CALLS', 'NODE_TLS', 'DATABASE_URL'],
      ...['in plaintext', 'without tokens', 'CALLHOOKS_TLS_CERT_FILE is required'],
    ])
      expect(problems).to.contain(part);
  });

  it('returns where the TLS files lie and what they hold', () => {
    const config = parseConfig({ ...TLS, CALLHOOKS_TLS_CLIENT_CA_FILE: certFile('client-ca.pem') });
    expect(config.tls?.paths.key).to.equal(TLS.CALLHOOKS_TLS_KEY_FILE);
    expect(config.tls?.files.clientCa).to.equal(readFileSync(certFile('client-ca.pem'), 'utf8'));
  });

  it('reads tokens from a file', () => {
    const config = parseConfig({ CALLHOOKS_AUTH_TOKENS_FILE: file('tokens', `${TOKENS}\n`) });
    expect(config.apiTokens?.map(({ name, role }) => [name, role])).to.deep.equal([
      ['platform', 'lifecycle'],
    ]);
  });

  it('reads secrets from files and cuts the newline at their end', () => {
    const env = {
      DATABASE_URL_FILE: file('url', `${MYSQL.DATABASE_URL}\n`),
      CALLHOOKS_ENCRYPTION_KEYS_FILE: file('keys', `${KEY}\n`),
    };
    const config = parseConfig(env);
    expect(config.databaseUrl).to.equal(MYSQL.DATABASE_URL);
    expect(config.encryptionKeys?.map((key) => key.id)).to.deep.equal(['k1']);
  });

  it('refuses a secret that is given both directly and as a file', () => {
    const problems = problemsOf({ ...MYSQL, DATABASE_URL_FILE: file('url', MYSQL.DATABASE_URL) });
    expect(problems.join()).to.contain('DATABASE_URL and DATABASE_URL_FILE are both set');
  });

  it('reads certificates, and refuses a file with none or with a broken one', () => {
    const [pem = ''] = rootCertificates;
    const good = { CALLHOOKS_CA_FILE: file('ca.pem', `some comment\n${pem}\n${pem}`) };
    expect(parseConfig(good).endpointCertificates).to.equal(`${pem}\n${pem}`);
    expect(problemsOf({ CALLHOOKS_CA_FILE: file('no.pem', 'nothing') }).join()).to.contain(
      'without a PEM certificate',
    );
    const broken = pem.replace(/\n.{10}/, '\nAAAAAAAAAA');
    expect(problemsOf({ CALLHOOKS_CA_FILE: file('bad.pem', `${pem}\n${broken}`) }).join()).to.contain(
      'certificate 2',
    );
  });
});

describe('docs/config.md', () => {
  it('lists every variable with its default and meaning', () => {
    const page = readFileSync(new URL('../../../docs/config.md', import.meta.url), 'utf8');
    const rows = page.split('\n').filter((line) => /^\| `(?!OTEL_)[A-Z]/.test(line));
    const expected = VARIABLE_NAMES.map((name) => {
      const { default: text, meaning, secret } = settingOf(name);
      const shown = text === '' ? '(none)' : text.startsWith('(') ? text : `\`${text}\``;
      return `| \`${name}\`${secret ? ', or `_FILE`' : ''} | ${shown} | ${meaning} |`;
    });
    const client = Object.entries(CLIENT_VARIABLES).map(([name, { default: text, meaning }]) => {
      const shown = text.startsWith('(') ? text : `\`${text}\``;
      return `| \`${name}\` | ${shown} | ${meaning} |`;
    });
    expect(rows).to.deep.equal([...expected, ...client]);
  });

  it('names no other variable that begins with CALLHOOKS_', () => {
    const page = readFileSync(new URL('../../../docs/config.md', import.meta.url), 'utf8');
    const known: string[] = [...VARIABLE_NAMES, ...Object.keys(CLIENT_VARIABLES)];
    const named = page.match(/\bCALLHOOKS_[A-Z_]+[A-Z]/g) ?? [];
    expect(
      named.filter((name) => !known.includes(name.replace(/_FILE$/, '')) && !known.includes(name)),
    ).to.deep.equal([]);
  });
});

describe('the variables of the commands that ask a server', () => {
  it('are no unknown variables of a server', () => {
    const env = Object.fromEntries(Object.keys(CLIENT_VARIABLES).map((name) => [name, 'x']));
    expect(() => parseConfig(env)).not.to.throw();
  });
});
