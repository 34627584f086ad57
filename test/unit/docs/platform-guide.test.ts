import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { REASONS, type Reason } from '../../../src/errors.ts';
import { CallDecision } from '../../../src/gen/index.callhooks.v1.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

const PAGE = read('docs/platform-guide.md');

/** Returns the rows of the table that begins with this heading: the cells of each row. */
function tableOf(heading: string): string[][] {
  const table = PAGE.split(`\n| ${heading} |`)[1]?.split('\n\n')[0] ?? '';
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) => row.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')));
}

/** Returns each reason of a table with the code beside it. */
function reasonsOf(heading: string): [reason: string, code: string][] {
  return tableOf(heading).flatMap(([names = '', code = '']) =>
    Array.from(names.matchAll(/`(\w+)`/g), ([, name = '']): [string, string] => [
      name,
      code.replaceAll('`', ''),
    ]),
  );
}

/** Returns the reasons that the comment of an RPC in the proto names as its errors. */
function reasonsInProto(rpc: string): string[] {
  const proto = read('proto/callhooks/v1/call_lifecycle.proto').replaceAll(/\n *\/\/ ?/g, ' ');
  const comment = proto.split(`rpc ${rpc}(`)[0]?.split('Errors:').at(-1) ?? '';
  return Array.from(comment.matchAll(/`([A-Z_]+)`/g), ([, name = '']) => name);
}

const LIFECYCLE = 'reason | code | for `OnCallStart` | for `OnCallEnd`';
const OTHERS = 'reason | code | do';
// The adapter answers these before any RPC begins, so the comments of the RPCs do not name them.
const OF_ACCESS = ['UNAUTHENTICATED', 'ROLE_NOT_ALLOWED'];
const NEVER = 'It does not come';

describe('docs/platform-guide.md', () => {
  it('says what to do on each reason, once, with the code that is answered', () => {
    const told = [...reasonsOf(LIFECYCLE), ...reasonsOf(OTHERS)];
    expect(told.map(([reason]) => reason)).to.have.members(Object.keys(REASONS));
    for (const [reason, code] of told) expect(code, reason).to.equal(REASONS[reason as Reason]);
  });

  for (const [rpc, column] of [
    ['OnCallStart', 2],
    ['OnCallEnd', 3],
  ] as const) {
    it(`says what to do on the reasons that ${rpc} answers with, and on no other`, () => {
      const rows = tableOf(LIFECYCLE).filter((row) => row[column]?.startsWith(NEVER) === false);
      const told = rows.map(([reason = '']) => reason.replaceAll('`', ''));
      expect(told).to.have.members([...reasonsInProto(rpc), ...OF_ACCESS]);
    });
  }

  it('says what to do with each decision: by itself, degraded and rejected', () => {
    const told = tableOf('reply | it means | the platform | to the caller').map(([reply]) => reply);
    const decisions = Object.keys(CallDecision).filter((name) => /^CALL_DECISION_(?!UNSPECIFIED)/.test(name));
    expect(decisions).to.have.length.above(1);
    for (const decision of decisions) expect(told).to.include(`\`${decision}\``);
    expect(told).to.include('`CALL_DECISION_PROCEED`, `degraded`');
    expect(told).to.include('`CALL_DECISION_BLOCK`, `rejected`');
  });
});
