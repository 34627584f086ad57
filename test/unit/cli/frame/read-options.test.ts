import { expect } from 'chai';
import { UsageError } from '../../../../src/cli/frame/command.ts';
import { readOptions } from '../../../../src/cli/frame/read-options.ts';

const RULES = {
  options: {
    name: { value: 'NAME', help: '' },
    set: { value: 'NAME=VALUE', repeats: true, help: '' },
    json: { help: '' },
  },
  maxOperands: 1,
} as const;

describe('readOptions', () => {
  const rows: [title: string, args: string[], options: object, operands: string[]][] = [
    ['empty values without arguments', [], { name: undefined, set: [], json: false }, []],
    ['a value behind a blank', ['--name', 'a'], { name: 'a', set: [], json: false }, []],
    ['a value behind =', ['--name=--a'], { name: '--a', set: [], json: false }, []],
    ['a value that begins with one dash', ['--name', '-1'], { name: '-1', set: [], json: false }, []],
    [
      'all values of a repeated option',
      ['--set', 'a=1', '--set=b=2'],
      { name: undefined, set: ['a=1', 'b=2'], json: false },
      [],
    ],
    [
      'an operand between options',
      ['--json', 'file', '--name', 'a'],
      { name: 'a', set: [], json: true },
      ['file'],
    ],
    ['a dash as an operand', ['-'], { name: undefined, set: [], json: false }, ['-']],
    ['an operand behind --', ['--', '--json'], { name: undefined, set: [], json: false }, ['--json']],
  ];
  for (const [title, args, options, operands] of rows) {
    it(`returns ${title}`, () => {
      expect(readOptions(args, RULES)).to.deep.equal({ options, operands });
    });
  }

  for (const args of [['--help'], ['-h'], ['--name', 'a', '--nothing', '--help']]) {
    it(`returns undefined for ${args.join(' ')}`, () => {
      expect(readOptions(args, RULES)).to.equal(undefined);
    });
  }

  const refused: [args: string[], problem: string][] = [
    [['--jsn'], 'there is no option --jsn: did you mean --json?'],
    [['--__proto__'], 'there is no option --__proto__'],
    [['-x'], 'there is no option -x'],
    [['--json=1'], '--json takes no value'],
    [['--name'], '--name needs a value: --name NAME'],
    [['--name', '--json'], '--name needs a value'],
    [['a', 'b'], 'one argument too many: "b"'],
  ];
  for (const [args, problem] of refused) {
    it(`throws for ${args.join(' ')}`, () => {
      expect(() => readOptions(args, RULES)).to.throw(UsageError, problem);
    });
  }
});
