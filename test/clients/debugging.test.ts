import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { startDebuggingScene, type DebuggingScene } from './debugging-scene.ts';
import { runProgram } from './programs.ts';
import { readBlocks, readSteps } from './readme.ts';
import { createShownReplies } from './shown-reply.ts';
import { describeWith } from './tools.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/debugging.md'), 'utf8');

/** Replaces what is another each time in what `callhooks` prints for people. */
function steady(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2000-01-01T00:00:00Z')
    .replaceAll(/\b[\d.]+ m?s {2,}/g, '(duration) ')
    .replaceAll(/revision [\w-]+/g, 'revision (any)')
    .replaceAll(/by replica \S+/g, 'by replica (any)')
    .replaceAll(/^ {2}(connect|first byte|queued|total) +/gm, '  $1 ');
}

describeWith(['grpcurl'], 'docs/debugging.md', function () {
  this.timeout(60_000);
  const replies = createShownReplies();
  let scene: DebuggingScene;
  before(async () => {
    scene = await startDebuggingScene();
  });
  after(() => scene.stop());

  const inPlaces = (text: string, back = false): string => {
    let result = text;
    for (const [shown, place] of scene.places)
      result = back ? result.replaceAll(place, shown) : result.replaceAll(shown, place);
    return result;
  };

  for (const { command, shows } of readSteps(readBlocks(PAGE))) {
    it(`prints what line ${command.line} shows: ${command.text.split('\n')[0]}`, async () => {
      const text = inPlaces(replies.translate(command.text));
      const { stdout, stderr, exitCode } = await runProgram('bash', ['-c', text], { env: scene.env });
      expect(exitCode, stderr).to.equal(0);
      const wrong = replies.compare(steady(shows?.text ?? '…'), steady(inPlaces(stdout + stderr, true)));
      if (wrong !== undefined) expect.fail(wrong);
    });
  }

  it('shows the line that --follow prints', async () => {
    const [command, shown] = blocksOf(/--follow --since/, 'printed');
    const [line = ''] = await firstLines(command, scene.env, 1);
    const normal = (text: string) => steady(text).replaceAll(/\b[\d.]+ m?s\b/g, '(duration)');
    const wrong = replies.compare(normal(shown), normal(line));
    if (wrong !== undefined) expect.fail(wrong);
  });

  it('shows the messages of WatchExecutions that grpcurl prints', async () => {
    const [command, shown] = blocksOf(/WatchExecutions/, 'watched');
    const isSecondEnd = (lines: readonly string[]) => lines.filter((line) => line === '}').length === 2;
    const lines = await firstLines(inPlaces(command), scene.env, isSecondEnd);
    const wrong = replies.compare(steady(shown), steady(inPlaces(lines.join('\n'), true)));
    if (wrong !== undefined) expect.fail(wrong);
  });

  /** Returns the command of the page that matches, and what the page shows of its output. */
  const blocksOf = (command: RegExp, directive: string): [command: string, shown: string] => {
    const blocks = readBlocks(PAGE);
    const find = (is: (block: (typeof blocks)[number]) => boolean) => blocks.find(is)?.text ?? '';
    return [find(({ text }) => command.test(text)), find((block) => block.directive === directive)];
  };
});

/** Returns the first lines that a command prints which goes on until it is interrupted. */
async function firstLines(
  command: string,
  env: NodeJS.ProcessEnv,
  isEnough: number | ((lines: readonly string[]) => boolean),
): Promise<string[]> {
  const child = spawn('bash', ['-c', command], { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (typeof isEnough === 'number' ? lines.length === isEnough : isEnough(lines)) break;
  }
  const ended = once(child, 'close');
  // The shell and the program that it has started are a process group.
  process.kill(-(child.pid ?? 0), 'SIGINT');
  await ended;
  return lines;
}
