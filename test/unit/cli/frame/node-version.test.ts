import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { isTooOld, OLDEST_NODE } from '../../../../src/cli/frame/node-version.ts';
import { runCommandLine } from '../../../../src/cli/run.ts';
import type { Shell } from '../../../../src/cli/frame/shell.ts';

const PACKAGE = new URL('../../../../package.json', import.meta.url);

describe('The version of Node.js', () => {
  it('is the one that package.json asks for', () => {
    const { engines } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { engines: { node: string } };
    expect(engines.node).to.equal(`>=${OLDEST_NODE}`);
    expect(isTooOld(process.version)).to.equal(false);
  });

  for (const version of ['v18.20.8', 'v20.20.2', 'v24.14.9', 'v23.99.0'])
    it(`is too old at ${version}`, () => expect(isTooOld(version)).to.equal(true));

  for (const version of ['v24.15.0', 'v24.21.0', 'v25.0.0', 'v100.1.0'])
    it(`is new enough at ${version}`, () => expect(isTooOld(version)).to.equal(false));

  it('ends a command with 78 and one sentence when it is too old', async () => {
    const said: string[] = [];
    const shell = { nodeVersion: 'v20.20.2', say: (text: string) => void said.push(text) };
    expect(await runCommandLine(['serve'], shell as unknown as Shell)).to.equal(78);
    expect(said).to.deep.equal([`callhooks needs Node.js ${OLDEST_NODE} or newer; this is v20.20.2.\n`]);
  });
});
