import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';
import { serverEngine, startServer } from '../support/engines.ts';
import type { PrivateServer } from '../support/private-server.ts';
import { startProcess } from '../support/server-process.ts';
import { keyOf } from '../support/test-keys.ts';

const UNAVAILABLE = 69;
const certFile = (name: string) => fileURLToPath(new URL(`../support/certs/${name}`, import.meta.url));
const AUTHORITY = certFile('database-ca.pem');
const AUTHORITIES = [AUTHORITY, certFile('ca.pem')].map((file) => readFileSync(file));
const [APP, APP_PASSWORD] = ['app', 'a-long-password'];
const NOT_VERIFIED = 'its certificate is not verified';
const VERIFIED = 'its certificate is verified';

interface Settings {
  /** The `ssl-mode` of the URL, if it has one. */
  readonly mode?: string;
  readonly host?: string;
  readonly authority?: string;
  readonly password?: string;
}

function environment(server: PrivateServer, settings: Settings): Record<string, string> {
  const url = new URL(server.url('callhooks'));
  url.username = APP;
  url.password = settings.password ?? APP_PASSWORD;
  url.hostname = settings.host ?? '127.0.0.1';
  if (settings.mode !== undefined) url.searchParams.set('ssl-mode', settings.mode);
  return {
    DATABASE_URL: url.href,
    CALLHOOKS_ENCRYPTION_KEYS: keyOf('k1', 1),
    CALLHOOKS_LISTEN: '127.0.0.1:0',
    ...(settings.authority === undefined ? {} : { CALLHOOKS_DATABASE_CA_FILE: settings.authority }),
  };
}

/** Runs `callhooks <command>`. Fails when it prints the password of the database. */
async function run(server: PrivateServer, command: string, settings: Settings) {
  const env = environment(server, settings);
  const { exitCode, stdout, stderr } = await startProcess([command], env).ended();
  const text = `${stdout}${stderr}`;
  expect(text).not.to.contain(settings.password ?? APP_PASSWORD);
  return { exitCode, text };
}

/** Runs statements as the user who may do everything, over TLS where the server offers it. */
async function administer(
  server: PrivateServer,
  statements: readonly string[],
  isOverTls = true,
): Promise<void> {
  const ssl = isOverTls ? { ssl: { ca: AUTHORITIES } } : {};
  const connection = await createConnection({ uri: server.url(''), ...ssl });
  for (const statement of statements) await connection.query(statement);
  await connection.end();
}

const ACCOUNT = [
  'CREATE DATABASE callhooks',
  `CREATE USER '${APP}'@'127.0.0.1' IDENTIFIED BY '${APP_PASSWORD}'`,
  // These are the rights that docs/mysql.md names.
  `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP ON callhooks.* TO '${APP}'@'127.0.0.1'`,
];

const engine = serverEngine();
const isMysql = engine?.name === 'mysql';
// A server that others use as well must not be changed.
const mayStart = engine !== undefined && !process.env['MYSQL_TEST_URL'];

if (mayStart)
  describe(`callhooks, with a ${engine.name} that insists on TLS,`, () => {
    let server: PrivateServer;
    let folder: string;
    const useCertificate = (name: string, authority: string): void => {
      copyFileSync(authority, join(folder, 'authority.pem'));
      for (const ending of ['pem', 'key'])
        copyFileSync(certFile(`${name}.${ending}`), join(folder, `server.${ending}`));
    };
    before(async function () {
      this.timeout(60_000);
      folder = mkdtempSync(join(tmpdir(), 'callhooks-tls-'));
      useCertificate('database', AUTHORITY);
      server = await startServer([
        `--ssl-cert=${join(folder, 'server.pem')}`,
        `--ssl-key=${join(folder, 'server.key')}`,
        `--ssl-ca=${join(folder, 'authority.pem')}`,
      ]);
      await administer(server, [...ACCOUNT, 'SET GLOBAL require_secure_transport = ON']);
    });
    after(async () => {
      await server.stop();
      rmSync(folder, { recursive: true });
    });

    const accepted: [title: string, settings: Settings, inEffect: string][] = [
      ['without a mode', {}, `(ssl-mode=PREFERRED: ${NOT_VERIFIED})`],
      ['with REQUIRED', { mode: 'REQUIRED' }, `(ssl-mode=REQUIRED: ${NOT_VERIFIED})`],
      [
        'with VERIFY_CA under another name',
        { mode: 'VERIFY_CA', authority: AUTHORITY },
        `(ssl-mode=VERIFY_CA: ${VERIFIED})`,
      ],
      [
        'with VERIFY_IDENTITY under its name',
        { mode: 'VERIFY_IDENTITY', authority: AUTHORITY, host: 'localhost' },
        `(ssl-mode=VERIFY_IDENTITY: ${VERIFIED})`,
      ],
    ];
    for (const [title, settings, inEffect] of accepted)
      it(`migrates and says what is in effect ${title}`, async () => {
        const migrated = await run(server, 'migrate', settings);
        expect(migrated.exitCode, migrated.text).to.equal(0);
        const { exitCode, text } = await run(server, 'check-config', settings);
        expect(exitCode, text).to.equal(0);
        expect(text).to.match(isMysql ? /^the database is MySQL \d/m : /^the database is MariaDB \d/m);
        expect(text).to.contain('over TLSv1.').and.to.contain(inEffect);
      }).timeout(20_000);

    it('serves over TLS', async () => {
      const env = { ...environment(server, { mode: 'REQUIRED' }), CALLHOOKS_MIGRATE: 'true' };
      const serving = startProcess(['serve'], env);
      await serving.serving();
      serving.kill('SIGTERM');
      const { exitCode, stderr } = await serving.ended();
      expect(exitCode, stderr).to.equal(0);
    }).timeout(20_000);

    const refused: [title: string, settings: Settings, problem: RegExp][] = [
      ['in plaintext', { mode: 'DISABLED' }, /the database only accepts connections over TLS/],
      [
        'with the public authorities',
        { mode: 'VERIFY_CA' },
        /the certificate of the database is not trusted \(.*\): .*CALLHOOKS_DATABASE_CA_FILE/,
      ],
      [
        'with the authority of others',
        { mode: 'VERIFY_CA', authority: certFile('client-ca.pem') },
        /the certificate of the database is not trusted/,
      ],
      ['with a wrong password', { password: 'hunter2-hunter2' }, /refuses the user and password/],
    ];
    for (const [title, settings, problem] of refused)
      for (const command of ['migrate', 'serve'])
        it(`ends ${command} with 69 and says why ${title}`, async () => {
          const { exitCode, text } = await run(server, command, settings);
          expect(exitCode, text).to.equal(UNAVAILABLE);
          expect(text).to.match(problem);
        }).timeout(20_000);

    it('ends with 69 under a name that the certificate does not have', async () => {
      useCertificate('endpoint', certFile('ca.pem'));
      await administer(server, [isMysql ? 'ALTER INSTANCE RELOAD TLS' : 'FLUSH SSL']);
      const settings = { mode: 'VERIFY_IDENTITY', authority: certFile('ca.pem'), host: 'localhost' };
      const { exitCode, text } = await run(server, 'migrate', settings);
      expect(exitCode, text).to.equal(UNAVAILABLE);
      expect(text).to.contain('is for another name than the host in DATABASE_URL');
    });
  });

if (mayStart)
  describe(`callhooks, with a ${engine.name} that offers no TLS,`, () => {
    let server: PrivateServer;
    before(async function () {
      this.timeout(60_000);
      server = await startServer([isMysql ? '--tls-version=' : '--skip-ssl']);
      await administer(server, ACCOUNT, false);
    });
    after(() => server.stop());

    it('migrates in plaintext without a mode, and says so', async () => {
      const migrated = await run(server, 'migrate', {});
      expect(migrated.exitCode, migrated.text).to.equal(0);
      const { text } = await run(server, 'check-config', {});
      expect(text).to.contain('in plaintext (ssl-mode=PREFERRED)');
    }).timeout(20_000);

    for (const mode of ['REQUIRED', 'VERIFY_CA'])
      it(`ends with 69 with ${mode}`, async () => {
        const { exitCode, text } = await run(server, 'migrate', { mode });
        expect(exitCode, text).to.equal(UNAVAILABLE);
        expect(text).to.contain('the database offers no TLS, which the ssl-mode of DATABASE_URL requires');
      });

    it('ends serve with 69, and check-config with a line, when the server is read-only', async () => {
      await administer(server, ['SET GLOBAL read_only = ON'], false);
      const served = await run(server, 'serve', {});
      expect(served.exitCode, served.text).to.equal(UNAVAILABLE);
      expect(served.text).to.contain("callhooks can't continue: the database is read-only");
      expect((await run(server, 'check-config', {})).text).to.contain('the database is read-only');
      await administer(server, ['DROP TABLE callhooks.schema_migrations'], false);
      const migrated = await run(server, 'migrate', {});
      expect(migrated.exitCode, migrated.text).to.equal(UNAVAILABLE);
      expect(migrated.text).to.contain('the database is read-only');
    }).timeout(20_000);
  });
