import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { startTestApp, type TestApp } from '../support/app.ts';
import { sqliteEngine } from '../support/engines.ts';
import { startProcess } from '../support/server-process.ts';
import { TOKEN_SETTINGS, TOKENS } from '../support/tokens.ts';

const cert = (name: string) => fileURLToPath(new URL(`../support/certs/${name}`, import.meta.url));

const sqlite = sqliteEngine();
if (sqlite !== undefined)
  describe('the commands that ask a server', () => {
    let app: TestApp;
    let mutual: TestApp;
    // Its certificate names localhost only.
    let named: TestApp;
    let folder: string;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'callhooks-'));
      const tls = {
        CALLHOOKS_TLS_CERT_FILE: cert('endpoint.pem'),
        CALLHOOKS_TLS_KEY_FILE: cert('endpoint.key'),
      };
      app = await startTestApp(sqlite, { ...TOKEN_SETTINGS, ...tls });
      mutual = await startTestApp(sqlite, { ...tls, CALLHOOKS_TLS_CLIENT_CA_FILE: cert('client-ca.pem') });
      named = await startTestApp(sqlite, {
        CALLHOOKS_TLS_CERT_FILE: cert('database.pem'),
        CALLHOOKS_TLS_KEY_FILE: cert('database.key'),
      });
    });
    after(async () => {
      await app.close();
      await mutual.close();
      await named.close();
      rmSync(folder, { recursive: true });
    });

    const TRUSTED = ['--ca-file', cert('ca.pem'), '--server-name', 'endpoint.example'];
    const CLIENT = ['--cert-file', cert('client.pem'), '--key-file', cert('client.key')];

    /** Asks for an execution that is not there: who gets EXECUTION_NOT_FOUND was let in. */
    const ask = (server: TestApp, args: readonly string[], env = {}) =>
      startProcess(['explain', '--execution', randomUUID(), ...args], {
        CALLHOOKS_ADDRESS: `127.0.0.1:${server.port}`,
        ...env,
      }).ended();

    it('are let in over TLS with a token', async () => {
      const { stderr } = await ask(app, TRUSTED, { CALLHOOKS_TOKEN: TOKENS.viewer });
      expect(stderr).to.contain('EXECUTION_NOT_FOUND');
    });

    it('are let in with a token from a file', async () => {
      const file = join(folder, 'token');
      writeFileSync(file, `${TOKENS.viewer}\n`);
      const { stderr } = await ask(app, TRUSTED, { CALLHOOKS_TOKEN_FILE: file });
      expect(stderr).to.contain('EXECUTION_NOT_FOUND');
    });

    it('are let in at an address that the certificate names, and print no warning', async () => {
      const { stderr } = await ask(app, ['--ca-file', cert('ca.pem')], { CALLHOOKS_TOKEN: TOKENS.viewer });
      expect(stderr)
        .to.contain('EXECUTION_NOT_FOUND')
        .and.not.to.match(/warning/i);
    });

    it('do not accept a certificate that names a host, but not the address', async () => {
      const { exitCode, stderr } = await ask(named, ['--ca-file', cert('database-ca.pem')]);
      expect(exitCode).to.equal(69);
      expect(stderr).to.match(/IP: 127\.0\.0\.1 is not in the cert's list/);
    });

    it('are let in with a client certificate', async () => {
      expect((await ask(mutual, [...TRUSTED, ...CLIENT])).stderr).to.contain('EXECUTION_NOT_FOUND');
    });

    it('do not send a token to a server whose certificate is not trusted', async () => {
      const { exitCode, stderr } = await ask(app, ['--tls'], { CALLHOOKS_TOKEN: TOKENS.viewer });
      expect(exitCode).to.equal(69);
      expect(stderr)
        .to.contain('UNAVAILABLE')
        .and.to.match(/certificate|issuer/);
      expect(stderr).to.contain('--ca-file').and.not.to.contain(TOKENS.viewer);
    });

    it('do not accept another name in the certificate', async () => {
      const other = ['--ca-file', cert('ca.pem'), '--server-name', 'other.example'];
      const { exitCode, stderr } = await ask(app, other, { CALLHOOKS_TOKEN: TOKENS.viewer });
      expect(exitCode).to.equal(69);
      expect(stderr).to.contain('other.example');
    });

    const refused: [title: string, env: object, exitCode: number, says: string][] = [
      ['without a token', {}, 1, 'CALLHOOKS_TOKEN or CALLHOOKS_TOKEN_FILE gives the token'],
      ['with an unknown token', { CALLHOOKS_TOKEN: 'nobody' }, 1, 'does not know this token'],
    ];
    for (const [title, env, exitCode, says] of refused) {
      it(`say what to do ${title}`, async () => {
        const ended = await ask(app, TRUSTED, env);
        expect(ended.exitCode).to.equal(exitCode);
        expect(ended.stderr).to.contain('UNAUTHENTICATED').and.to.contain(says);
      });
    }

    it('say what to do when the role does not allow it', async () => {
      const env = { CALLHOOKS_ADDRESS: `127.0.0.1:${app.port}`, CALLHOOKS_TOKEN: TOKENS.viewer };
      const { exitCode, stderr } = await startProcess(
        ['try', '--webhook', randomUUID(), ...TRUSTED],
        env,
      ).ended();
      expect([exitCode, stderr.includes('ROLE_NOT_ALLOWED')], stderr).to.deep.equal([1, true]);
    });

    it('say in one sentence that no connection could be made, and exit with 69', async () => {
      // No program listens on this port.
      const address = '127.0.0.1:1';
      const { exitCode, stderr } = await ask(app, [], { CALLHOOKS_ADDRESS: address });
      expect(exitCode).to.equal(69);
      expect(stderr).to.match(
        /^callhooks explain: no connection could be made: connect ECONNREFUSED 127\.0\.0\.1:1 \(UNAVAILABLE\)\n/,
      );
    });

    it('exit with 69 when a TLS port is asked in plaintext', async () => {
      const { exitCode, stderr } = await ask(app, ['--timeout', '5']);
      expect(exitCode).to.equal(69);
      expect(stderr).to.contain('--tls');
    });

    it('exit with 64 for TLS files that are damaged', async () => {
      const broken = join(folder, 'broken.pem');
      writeFileSync(broken, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
      const { exitCode, stderr } = await ask(app, ['--cert-file', broken, '--key-file', cert('client.key')]);
      expect([exitCode, stderr.includes("TLS files can't be used")], stderr).to.deep.equal([64, true]);
    });
  });
