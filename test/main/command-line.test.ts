import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { COMMANDS } from '../../src/cli/commands.ts';
import { VERSION } from '../../src/version.ts';
import { startProcess } from '../support/server-process.ts';

const FILE = fileURLToPath(import.meta.url);

function run(args: readonly string[], env = {}) {
  return startProcess(args, env).ended();
}

describe('The command line', () => {
  it('prints the version of its package for --version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(VERSION).to.equal(version);
    expect((await run(['--version'])).stdout).to.contain(`callhooks ${version} `);
  });

  for (const word of ['--help', '-h', 'help']) {
    it(`prints its commands and exit codes for ${word}`, async () => {
      const { exitCode, stdout, stderr } = await run([word]);
      expect([exitCode, stderr]).to.deep.equal([0, '']);
      for (const part of ['serve', 'migrate', 'rotate-keys', 'check-config', 'token', '78', 'DATABASE_URL'])
        expect(stdout).to.contain(part);
    });
  }

  for (const name of COMMANDS.keys()) {
    it(`prints options, examples and exit codes for ${name} --help, and the same for help ${name}`, async () => {
      const { exitCode, stdout, stderr } = await run([name, '--help']);
      expect([exitCode, stderr]).to.deep.equal([0, '']);
      for (const part of [`Usage: callhooks ${name}`, '--help', 'Examples', 'Exit codes'])
        expect(stdout).to.contain(part);
      expect((await run(['help', name])).stdout).to.equal(stdout);
    });
  }

  it('prints the help of a command whose other options are wrong', async () => {
    expect((await run(['token', '--nmae', '-h'])).stdout).to.contain('Usage: callhooks token');
  });

  it('ends without a word when the reader of its output has gone', async () => {
    const { status, stdout, stderr } = spawnSync('bash', [
      ...['-c', 'set -o pipefail; "$0" "$1" --help | true; echo "${PIPESTATUS[0]}"'],
      ...[process.execPath, fileURLToPath(new URL('../../src/main.ts', import.meta.url))],
    ]);
    expect([status, String(stdout), String(stderr)]).to.deep.equal([0, '0\n', '']);
  });

  it('exits with 74 and says why when its output can not be written', function () {
    if (!existsSync('/dev/full')) return this.skip();
    const { status, stderr } = spawnSync('bash', [
      ...['-c', '"$0" "$1" --help > /dev/full'],
      ...[process.execPath, fileURLToPath(new URL('../../src/main.ts', import.meta.url))],
    ]);
    expect([status, String(stderr)]).to.deep.equal([
      74,
      "callhooks can't write its output: ENOSPC: no space left on device, write\n",
    ]);
  });

  const wrong: [string, string[], string][] = [
    ['without a command', [], 'no command was given'],
    ['for an unknown command', ['sevre'], 'there is no command "sevre": did you mean serve?'],
    [
      'for the help of an unknown command',
      ['help', 'tokn'],
      'there is no command "tokn": did you mean token?',
    ],
    [
      'for an option that no command has',
      ['serve', '--port=1'],
      'callhooks serve: there is no option --port',
    ],
    ['for a name that objects inherit', ['constructor'], 'there is no command "constructor"'],
    ['for an option that objects inherit', ['serve', '--constructor'], 'there is no option --constructor'],
    ['for an argument too many', ['migrate', 'now'], 'there is one argument too many: "now"'],
    ['for an export into a file', ['export', FILE], `DIR must be a folder: ${FILE} is a file`],
    ['for an export below a file', ['export', `${FILE}/agents`], 'is a file, or lies below one'],
    [
      'for a file in the place of a folder to apply',
      ['apply', FILE],
      `DIR must be a folder: ${FILE} is a file`,
    ],
    ['for a folder to apply that is not there', ['apply', '/no/agents'], '/no/agents does not exist'],
  ];
  for (const [title, args, problem] of wrong) {
    it(`prints the usage and exits with 64 ${title}`, async () => {
      const { exitCode, stdout, stderr } = await run(args);
      expect([exitCode, stdout]).to.deep.equal([64, '']);
      expect(stderr).to.contain(problem).and.to.contain('Usage:');
    });
  }

  it('prints a token and its entry, which a server takes', async () => {
    const { exitCode, stdout, stderr } = await run(['token', '--role', 'lifecycle', '--name', 'platform']);
    expect(exitCode).to.equal(0);
    const [, token = '', entry = ''] = /^token (\S+)\nentry (\S+)\n$/.exec(stdout) ?? [];
    expect(entry).to.equal(`platform:lifecycle:${createHash('sha256').update(token).digest('hex')}`);
    expect(stderr).to.contain('CALLHOOKS_AUTH_TOKENS').and.not.to.contain(token);
    const checked = await run(['check-config'], { CALLHOOKS_AUTH_TOKENS: entry });
    expect(checked.exitCode, checked.stderr).to.equal(0);
    expect(checked.stdout).to.match(/^CALLHOOKS_AUTH_TOKENS +set$/m);
  });

  const wrongTokens: [string, string[], string][] = [
    ['without a role', ['--name', 'ci'], '--role is required: one of viewer, lifecycle, admin'],
    ['with an unknown role', ['--name', 'ci', '--role', 'root'], '--role is required'],
    ['without a name', ['--role', 'viewer'], '--name is required'],
    ['with a colon in the name', ['--role', 'viewer', '--name', 'a:b'], '--name is required'],
    ['with an unknown option', ['--rule', 'viewer'], 'there is no option --rule: did you mean --role?'],
    ['with an argument too many', ['--name', 'ci', '--role', 'viewer', 'more'], 'too many: "more"'],
    ['with an option without its value', ['--name'], '--name needs a value: --name NAME'],
    ['with an option in the place of a value', ['--name', '--role', 'viewer'], '--name needs a value'],
  ];
  for (const [title, args, problem] of wrongTokens) {
    it(`prints no token, and ends with 64, ${title}`, async () => {
      const { exitCode, stdout, stderr } = await run(['token', ...args]);
      expect([exitCode, stdout]).to.deep.equal([64, '']);
      expect(stderr).to.contain(problem).and.to.contain('Usage:');
    });
  }

  for (const command of ['serve', 'migrate', 'rotate-keys', 'check-config']) {
    it(`exits with 78 and names every problem of the settings (${command})`, async () => {
      const env = {
        CALLHOOKS_LISTEN: '0.0.0.0:50051',
        CALLHOOKS_LOG_LEVL: 'info',
        CALLHOOKS_EGRESS_ALLOW: 'http://crm',
        DATABASE_URL: 'mysql://user:hunter2@db/callhooks',
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
      };
      const { exitCode, stdout, stderr } = await run([command], env);
      expect([exitCode, stdout]).to.deep.equal([78, '']);
      for (const part of [
        'reached from other machines, in plaintext',
        'reached from other machines, without tokens',
        'CALLHOOKS_LOG_LEVEL?',
        'is a URL',
        'ENCRYPTION_KEYS',
        'NODE_TLS',
      ])
        expect(stderr).to.contain(part);
      expect(stderr).not.to.contain('hunter2');
    });
  }
});
