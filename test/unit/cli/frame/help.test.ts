import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { COMMANDS } from '../../../../src/cli/commands.ts';
import { commandHelp } from '../../../../src/cli/frame/help.ts';
import { overview } from '../../../../src/cli/overview.ts';
import { CLIENT_VARIABLES } from '../../../../src/config/client-variables.ts';
import { settingOf, VARIABLE_NAMES } from '../../../../src/config/schema.ts';

const SRC = join(import.meta.dirname, '..', '..', '..', '..', 'src');

describe('the help', () => {
  const texts: [string, () => Promise<string>][] = [['callhooks', async () => overview()]];
  for (const [name, entry] of COMMANDS) texts.push([name, async () => commandHelp(name, await entry.load())]);

  for (const [name, text] of texts) {
    it(`of ${name} fits into 100 columns`, async () => {
      const lines = (await text()).split('\n');
      expect(lines.filter((line) => line.length > 100 || line !== line.trimEnd())).to.deep.equal([]);
    });

    it(`of ${name} names only variables that exist`, async () => {
      const known = VARIABLE_NAMES.flatMap((each) =>
        settingOf(each).secret ? [each, `${each}_FILE`] : [each],
      );
      const named = (await text()).match(/\b(?:CALLHOOKS_[A-Z_]+(?!\*)|DATABASE_URL)\b/g) ?? [];
      const all: string[] = [...known, ...Object.keys(CLIENT_VARIABLES)];
      expect(named.filter((each) => !all.includes(each))).to.deep.equal([]);
    });
  }

  it('of every command loads no library and no generated code', () => {
    const seen = new Set<string>();
    const read = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = readFileSync(join(SRC, file), 'utf8');
      for (const [, from = ''] of text.matchAll(/^(?:import|export) (?!type\b)[^;]*? from '([^']+)';/gm))
        if (from.startsWith('.')) read(join(dirname(file), from));
        else seen.add(from);
    };
    read('main.ts');
    for (const name of readdirSync(join(SRC, 'cli'))) if (name.endsWith('.ts')) read(join('cli', name));
    const loaded = [...seen].filter((name) => !/^(node:|cli\/|main\.ts$)/.test(name));
    expect(loaded).to.have.members([
      ...['access/api-tokens.ts', 'access/roles.ts', 'errors.ts'],
      ...['config/client-variables.ts', 'config/listen-address.ts'],
    ]);
  });

  for (const [name, { load }] of COMMANDS) {
    it(`of ${name} has examples that call it, and the exit code 0`, async () => {
      const { examples, exitCodes } = await load();
      expect(examples.join('\n')).to.contain(`callhooks ${name}`);
      expect(exitCodes).to.have.property('0');
    });
  }
});
