import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { runProgram } from './programs.ts';
import { describeWith, TOOLS } from './tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGES = execFileSync('git', ['ls-files', '*.md'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
const DIAGRAMS = PAGES.flatMap((page) =>
  Array.from(
    readFileSync(join(ROOT, page), 'utf8').matchAll(/^```mermaid\n([^]*?)^```$/gm),
    ([, diagram = '']) => [page, diagram] as const,
  ),
);

/**
 * Parses the diagram of the last argument. Mermaid asks for a window, since it cleans HTML out of labels by the browser's
 * parser; labels without HTML pass a window that can nothing.
 */
const PARSE = `
globalThis.window = { document: { nodeType: 9, implementation: {}, createElement: () => ({}) }, Element: class {}, Node: class {} };
const { default: mermaid } = await import('./mermaid.esm.min.mjs');
console.log((await mermaid.parse(process.argv.at(-1))).diagramType);`;

async function kindOf(diagram: string): Promise<string> {
  const { stdout, stderr } = await runProgram(
    process.execPath,
    ['--input-type=module', '--eval', PARSE, '--', diagram],
    { cwd: dirname(TOOLS.mermaid) },
  );
  return stdout.trim() || stderr;
}

describeWith(['mermaid'], 'The diagrams of all pages', function () {
  this.timeout(60_000);

  it('are of the life of a call, the states and the deployment, among others', () => {
    const pages = DIAGRAMS.map(([page]) => page);
    expect(pages).to.include.members(['docs/concepts.md', 'docs/execution-states.md', 'docs/operations.md']);
  });

  for (const [page, diagram] of DIAGRAMS)
    it(`are read by Mermaid's own parser (${page}: ${diagram.split('\n')[0]})`, async () => {
      expect(diagram, 'HTML in a label').not.to.match(/<\w/);
      expect(await kindOf(diagram)).to.match(/^(?:flowchart-v2|sequence|stateDiagram)$/);
    });

  it("are refused by Mermaid's own parser when an arrow leads nowhere", async () => {
    expect(await kindOf('flowchart LR\n  a["A"] --> b\n  b -->\n')).to.match(/Parse error on line/);
  });
});
