import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { ExecutionState, Sent } from '../../../src/gen/index.callhooks.v1.ts';

const page = readFileSync(new URL('../../../docs/execution-states.md', import.meta.url), 'utf8');

/** The first column of the table that begins with this heading. */
const rowsOf = (heading: string): string[] => {
  const table = page.slice(page.indexOf(`| ${heading} | `)).split('\n\n')[0] ?? '';
  return Array.from(table.matchAll(/^\| `([A-Z_]+)` \|/gm), ([, name = '']) => name);
};
const namesOf = (values: object, prefix: string): string[] =>
  Object.keys(values)
    .filter((name) => name.startsWith(prefix) && !name.endsWith('_UNSPECIFIED'))
    .map((name) => name.slice(prefix.length));

describe('docs/execution-states.md', () => {
  it('has every state of the API', () => {
    expect(rowsOf('state')).to.deep.equal(namesOf(ExecutionState, 'EXECUTION_STATE_'));
  });

  it('draws a way into and out of every state of the API', () => {
    const drawing = /```mermaid\n([^`]+)```/.exec(page)?.[1] ?? '';
    const ends = Array.from(drawing.matchAll(/^ +(\S+) --> (\w+)/gm), ([, from, to]) => ({ from, to }));
    for (const state of rowsOf('state')) {
      expect(ends.map(({ from }) => from)).to.include(state);
      expect(ends.map(({ to }) => to)).to.include(state);
    }
  });

  it('has every value of sent', () => {
    expect(rowsOf('value')).to.deep.equal(namesOf(Sent, 'SENT_'));
  });
});
