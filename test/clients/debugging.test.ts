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
    const blocks = readBlocks(PAGE);
    const shown = blocks.find(({ directive }) => directive === 'printed')?.text ?? '';
    const command = blocks.find(({ text }) => /--follow --since/.test(text))?.text ?? '';
    const child = spawn('sh', ['-c', `exec ${command}`], {
      env: scene.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const ended = once(child, 'close');
    child.kill('SIGINT');
    await ended;
    const normal = (text: string) => steady(text).replaceAll(/\b[\d.]+ m?s\b/g, '(duration)');
    const wrong = replies.compare(normal(shown), normal(line));
    if (wrong !== undefined) expect.fail(wrong);
  });
});
