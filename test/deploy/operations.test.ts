import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';
import { readBlocks, readLinks, type Block } from '../clients/readme.ts';
import { createShownReplies } from '../clients/shown-reply.ts';
import { freePort } from '../support/free-port.ts';
import { findServerProgram, startMariadb } from '../support/mariadb.ts';
import { hasMysql, startMysql } from '../support/mysql.ts';
import type { PrivateServer } from '../support/private-server.ts';
import { until } from '../support/until.ts';
import { PACKAGE } from './installed-package.ts';
import { makeNextRelease } from './next-release.ts';
import { startShell, type ShellSession } from './shell-session.ts';
import { describeWith, TOOLS } from './tools.ts';
import { startTrickle, type Trickle } from './trickle.ts';

const ROOT = join(import.meta.dirname, '../..');
const CERTIFICATES = join(ROOT, 'test/support/certs');
const PAGE = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
const BLOCKS = readBlocks(PAGE);
const AGENT = 'a0000000-0000-4000-8000-000000000001';
const [FIRST, NEXT] = ['0.1.0', '0.2.0'];
/** The ports of the page. The test takes free ones in their place. */
const PORTS = ['50051', '50052', '9464', '50061', '50062', '9474', '8080', '9090'] as const;

/** A command of the page, and what it prints. The others are shown and not run. */
interface Step {
  readonly command: Block;
  readonly shows: string;
  readonly isRepeated: boolean;
}

const STEPS: readonly Step[] = BLOCKS.flatMap((command, index) => {
  if (command.language !== 'sh' || command.directive === 'shown') return [];
  const next = BLOCKS[index + 1];
  const shows = next?.language === 'text' ? next.text : '…';
  return [{ command, shows, isRepeated: command.directive === 'until it prints this' }];
});

describe('docs/operations.md', () => {
  it('links to files and sections that exist', () => {
    const folder = join(ROOT, 'docs');
    expect(readLinks(PAGE).filter((path) => !existsSync(join(folder, path)))).to.deep.equal([]);
    const headings = [...PAGE.matchAll(/^## (.*)$/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll(' ', '-'),
    );
    const named = [...PAGE.matchAll(/\]\(#([\w-]+)\)/g)].map(([, name]) => name);
    expect(headings).to.include.members(named);
  });

  it('names settings that docs/config.md has', () => {
    const config = readFileSync(join(ROOT, 'docs/config.md'), 'utf8');
    for (const [name] of PAGE.matchAll(/\b(?:CALLHOOKS_[A-Z_]*[A-Z]|DATABASE_URL(?:_FILE)?)\b/g))
      expect(config).to.include(`\`${name.replace(/_FILE$/, '')}`);
  });
});

const hasServer = hasMysql() || findServerProgram('mariadbd') !== undefined;
describeWith(
  ['grpcurl', 'prometheus', 'promtool', ...(hasServer ? [] : (['mariadb'] as const))],
  'The walk of docs/operations.md',
  function () {
    this.timeout(150_000);
    const replies = createShownReplies();
    const places = new Map<string, string>();
    let folder: string;
    let database: PrivateServer;
    let shell: ShellSession;
    let trickle: Trickle | undefined;
    // The steps build on each other.
    let hasFailed = false;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'callhooks-operations-'));
      database = await startDatabase();
      await copyFile(PACKAGE.tarball, join(folder, basename(PACKAGE.tarball)));
      await copyFile(join(PACKAGE.folder, 'SHA256SUMS'), join(folder, 'SHA256SUMS'));
      await makeNextRelease(NEXT, join(folder, `callhooks-${NEXT}.tgz`));
      for (const port of PORTS) places.set(port, String(await freePort()));
      places.set('/srv/callhooks', folder);
      places.set('db.example.com:3306', `localhost:${database.port}`);
      // What is served beyond loopback on the page is served on loopback here.
      places.set('0.0.0.0', '127.0.0.1');
      places.set(FIRST, PACKAGE.version);
      const path = [dirname(TOOLS.grpcurl), dirname(TOOLS.prometheus), process.env['PATH']].join(delimiter);
      shell = startShell(folder, { PATH: path, HOME: folder });
    });
    after(async () => {
      await trickle?.end();
      await shell.end();
      for (const file of readdirSync(join(folder, 'run')).filter((name) => name.endsWith('.pid')))
        endProcess(Number(readFileSync(join(folder, 'run', file), 'utf8')));
      await database.stop();
      await rm(folder, { recursive: true, force: true });
    });

    for (const { command, shows, isRepeated } of STEPS) {
      it(`does what line ${command.line} says: ${command.text.split('\n')[0]}`, async () => {
        if (hasFailed) throw new Error('a step before it failed');
        hasFailed = true;
        await beforeStep(command);
        const look = async () => {
          const printed = await shell.run(toPlaces(replies.translate(command.text)));
          return replies.compare(shows, fromPlaces(printed));
        };
        let wrong = await look();
        if (isRepeated && wrong !== undefined)
          await until(`what line ${command.line} shows`, async () => (wrong = await look()) === undefined, {
            everyMs: 500,
          });
        if (wrong !== undefined) expect.fail(wrong);
        if (command.text.includes('AgentAdmin/CreateAgent')) beginTrickle();
        hasFailed = false;
      });
    }

    it('has lost no call of the platform on the way, and sent each of them once', async () => {
      // The last step of the page has stopped the replicas; the trickle ended before it.
      const { answered, repeated, problems } = await (trickle as Trickle).end();
      console.log(`        ${answered.length} calls, ${repeated} of them repeated at the other replica`);
      expect(problems).to.deep.equal([]);
      expect(answered.length).to.be.above(100);
      const lines = readFileSync(join(folder, 'log/crm.log'), 'utf8').split('\n');
      const sent = lines.flatMap((line) => /"call":"([\w-]+)"/.exec(line)?.[1] ?? []);
      expect(new Set(sent).size).to.equal(sent.length);
      expect(sent).to.include.members([...answered]);
    });

    async function beforeStep({ text, line }: Block): Promise<void> {
      const sql = BLOCKS.find((block) => block.directive === 'as the administrator of the database');
      if (text.startsWith('umask')) await administer(sql?.text ?? '');
      if (text.startsWith('cat >callhooks.env'))
        await copyFile(join(CERTIFICATES, 'database-ca.pem'), join(folder, 'tls/database-ca.crt'));
      // Under load, and not before the calls come.
      if (trickle !== undefined) {
        const before = trickle.answered;
        await until(`calls before line ${line}`, () => (trickle?.answered ?? 0) > before + 5);
      }
      if (text.includes('./replica stop 1 && ./replica stop 2')) await trickle?.end();
    }

    async function administer(statements: string): Promise<void> {
      const ca = readFileSync(join(CERTIFICATES, 'database-ca.pem'));
      const url = new URL(database.url(''));
      url.hostname = 'localhost';
      const connection = await createConnection({ uri: url.href, ssl: { ca } });
      for (const statement of statements.split(';\n')) await connection.query(statement);
      await connection.end();
    }

    function beginTrickle(): void {
      const token = /^token (\S+)$/m.exec(readFileSync(join(folder, 'secrets/platform'), 'utf8'))?.[1] ?? '';
      trickle = startTrickle({
        ports: ['50051', '50061'].map((port) => Number(places.get(port))),
        authority: readFileSync(join(folder, 'tls/ca.crt')),
        token: () => token,
        agentUuid: AGENT,
      });
    }

    function toPlaces(text: string): string {
      let result = text;
      for (const [shown, place] of places) result = result.replaceAll(shown, place);
      return result;
    }

    function fromPlaces(text: string): string {
      let result = text
        .replaceAll(process.version, 'v24.21.0')
        .replaceAll(
          /the database is (?:MySQL|MariaDB) [\d.]+ over TLSv1\.\d/g,
          'the database is MySQL 9.7.4 over TLSv1.3',
        );
      for (const [shown, place] of places) if (shown !== '0.0.0.0') result = result.replaceAll(place, shown);
      return result;
    }
  },
);

function startDatabase(): Promise<PrivateServer> {
  const options = ['cert=database.pem', 'key=database.key', 'ca=database-ca.pem'].map((option) => {
    const [name, file = ''] = option.split('=');
    return `--ssl-${name}=${join(CERTIFICATES, file)}`;
  });
  return hasMysql() ? startMysql(options) : startMariadb(options);
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
