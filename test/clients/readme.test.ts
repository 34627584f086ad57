import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { runProgram } from './programs.ts';
import { readBlocks, readSteps } from './readme.ts';
import { createShownReplies } from './shown-reply.ts';
import { describeWith, pathWithTools } from './tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
// The quick start goes on where the session of the README ends.
const PAGE = `${README}\n${readFileSync(join(ROOT, 'docs/quick-start.md'), 'utf8')}`;
const BLOCKS = readBlocks(PAGE);
const README_LINES = README.split('\n').length;
const MAX_README_LINES = 250;
const START_MS = 120_000;
const PATIENCE_MS = 10_000;

/** The addresses in the page, and what each program prints when it listens. */
const PLACES = {
  server: { shown: '127.0.0.1:50051', prints: /"grpcAddress":"([^"]+)"/ },
  crm: { shown: '127.0.0.1:8080', prints: /listens on http:\/\/(\S+)/ },
} as const;

describe('README.md and docs/quick-start.md', () => {
  it('begin with a README that is short', () => {
    expect(README_LINES).to.be.below(MAX_README_LINES);
  });

  it('name targets that the Makefile has', () => {
    const makefile = readFileSync(join(ROOT, 'Makefile'), 'utf8');
    const named = [...PAGE.matchAll(/\bmake ([a-z][a-z-]+)(?=[ `\n])/g)].map(([, target = '']) => target);
    expect(named).to.include.members(['run', 'test', 'demo']);
    const inBlocks = BLOCKS.flatMap(({ text }) => [...text.matchAll(/^(?:\w+=\S+ )*make ([a-z-]+)/gm)]);
    for (const [, target = ''] of inBlocks) expect(makefile).to.match(new RegExp(`^${target}:`, 'm'));
  });

  it('name variables that docs/config.md has', () => {
    const config = readFileSync(join(ROOT, 'docs/config.md'), 'utf8');
    for (const [name] of PAGE.matchAll(/\b(?:CALLHOOKS_[A-Z_]*[A-Z]|DATABASE_URL)\b/g))
      expect(config).to.include(`| \`${name}\``);
  });

  it('install the grpcurl that the tests use', () => {
    const [, version = ''] =
      /go install github\.com\/fullstorydev\/grpcurl\/cmd\/grpcurl@(\S+)/.exec(PAGE) ?? [];
    expect(readFileSync(join(ROOT, 'test/tools/test-tools.sh'), 'utf8')).to.include(
      `cmd/grpcurl ${version}\n`,
    );
  });

  it('show files as they are', () => {
    const shown = BLOCKS.filter(({ directive }) => directive.startsWith('file '));
    expect(shown).to.have.lengthOf(1);
    for (const { directive, text } of shown)
      expect(readFileSync(join(ROOT, directive.slice('file '.length)), 'utf8')).to.equal(`${text}\n`);
    const sample = readFileSync(join(ROOT, 'test/vectors/webhook-config-sample.json'), 'utf8');
    expect(readFileSync(join(ROOT, 'examples/webhook_config.json'), 'utf8')).to.equal(sample);
  });
});

describeWith(['grpcurl'], 'The session in README.md and docs/quick-start.md', function () {
  this.timeout(START_MS + PATIENCE_MS);
  const replies = createShownReplies();
  const actual = new Map<string, string>();
  const stops: (() => Promise<void>)[] = [];
  const crmLines: string[] = [];
  let dataDir: string;

  const inPlaces = (text: string, back = false): string => {
    let result = text;
    for (const [shown, place] of actual)
      result = back ? result.replaceAll(place, shown) : result.replaceAll(shown, place);
    return result;
  };
  const commandOf = (directive: string): string =>
    BLOCKS.find((block) => block.directive === directive)?.text ?? `no block for ${directive}`;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'callhooks-readme-'));
    const env = {
      PATH: pathWithTools(),
      HOME: process.env['HOME'],
      CALLHOOKS_LISTEN: '127.0.0.1:0',
      CALLHOOKS_OPS_LISTEN: '127.0.0.1:0',
      CALLHOOKS_DATA_DIR: dataDir,
    };
    const commands = { server: commandOf('server'), crm: `${commandOf('crm')} 0` };
    for (const name of ['server', 'crm'] as const) {
      const lines = name === 'crm' ? crmLines : [];
      const { place, stop } = await startTerminal(commands[name], env, PLACES[name].prints, lines);
      actual.set(PLACES[name].shown, place);
      stops.push(stop);
    }
  });
  after(async () => {
    for (const stop of stops.toReversed()) await stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  for (const { command, shows } of readSteps(BLOCKS)) {
    it(`prints what ${placeOf(command.line)} shows: ${titleOf(command.text)}`, async () => {
      const giveUpAtMs = Date.now() + PATIENCE_MS;
      for (;;) {
        const { stdout, stderr } = await runProgram('sh', ['-c', inPlaces(replies.translate(command.text))], {
          cwd: ROOT,
          env: { ...process.env, PATH: pathWithTools() },
        });
        const wrong = replies.compare(shows?.text ?? '…', inPlaces(stdout + stderr, true));
        if (wrong === undefined) break;
        // A report is sent in the background, so a reader may have to look again.
        if (!/\/(?:Get|List)/.test(command.text) || Date.now() > giveUpAtMs) expect.fail(wrong);
      }
    });
  }

  it('sends the requests to the CRM that the page shows, and no other', () => {
    const said = BLOCKS.filter(({ directive }) => directive === 'crm says').map(({ text }) => text);
    expect(crmLines.slice(1)).to.deep.equal(said);
  });
});

/** Names the line of a page by its number in both pages together. */
function placeOf(line: number): string {
  return line <= README_LINES
    ? `line ${line} of README.md`
    : `line ${line - README_LINES} of docs/quick-start.md`;
}

function titleOf(command: string): string {
  return /callhooks\.v1\.\w+\/\w+/.exec(command)?.[0] ?? command.split('\n')[0] ?? '';
}

/** Runs a command as in a terminal of its own. Resolves when it has printed where it listens. */
async function startTerminal(command: string, env: NodeJS.ProcessEnv, prints: RegExp, lines: string[]) {
  // With `exec env` the process is the command itself, so that a signal reaches it.
  const child = spawn('sh', ['-c', `exec env ${command}`], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let problems = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (problems += chunk));
  const place = await Promise.race([
    printedPlace(child, prints, lines),
    once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`${command} ended with ${code}: ${problems}`)),
    ),
    new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`${command} does not listen: ${problems}`)), START_MS).unref();
    }),
  ]);
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  return { place, stop };
}

function printedPlace(child: ChildProcess, prints: RegExp, lines: string[]): Promise<string> {
  return new Promise((resolve) => {
    if (child.stdout === null) return;
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      const [, place] = prints.exec(line) ?? [];
      if (place !== undefined) resolve(place);
    });
  });
}
