import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { FAILURES } from '../../../src/domain/failures.ts';
import { REASONS, type Reason } from '../../../src/errors.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

interface Described {
  readonly code: string;
  readonly prose: string;
}

/** Each reason of the proto enum: the code of its sample and its comment before that. */
const describedInProto = (): Map<string, Described> => {
  const values = read('proto/callhooks/v1/error_reason.proto').matchAll(
    /((?: {2}\/\/.*\n)+) {2}ERROR_REASON_(\w+) = [1-9]/g,
  );
  return new Map(
    Array.from(values, ([, comment = '', name = '']) => {
      const text = comment.replaceAll(/^ *\/\/ ?/gm, '').replaceAll('\n', ' ');
      const [, prose = '', code = ''] = /^(.*) Sample: `(\w+)`/.exec(text) ?? [];
      return [name, { code, prose }];
    }),
  );
};

const describedInDocs = (): Map<string, Described> => {
  const rows = read('docs/errors.md').matchAll(/^\| `(\w+)` \| `([A-Z_]+)` \| (.*) \| (.*) \|$/gm);
  return new Map(
    Array.from(rows, ([, name = '', code = '', when, what]) => [name, { code, prose: `${when} ${what}` }]),
  );
};

/** Returns the comment of each failure code in the proto enum. */
function failuresInProto(): Map<string, string> {
  const values = read('proto/callhooks/v1/execution.proto').matchAll(
    /((?: {2}\/\/.*\n)+) {2}FAILURE_CODE_(\w+) = [1-9]/g,
  );
  return new Map(
    Array.from(values, ([, comment = '', code = '']) => [
      code,
      comment
        .replaceAll(/^ *\/\/ ?/gm, '')
        .trim()
        .replaceAll('\n', ' '),
    ]),
  );
}

/** Renders the table of failures as the page shows it. */
function failuresTable(): string {
  const when = failuresInProto();
  const rows = Object.entries(FAILURES).map(([code, { message, sent, setBy }]) => {
    const shownSent = sent === 'as observed' ? sent : `\`${sent.toUpperCase()}\``;
    return `| \`${code}\` | ${when.get(code)} | ${shownSent} | ${message} | ${setBy} |\n`;
  });
  return rows.join('');
}

describe('docs/errors.md', () => {
  const docs = describedInDocs();
  const proto = describedInProto();

  it('has the reasons of the code, in their order', () => {
    expect([...docs.keys()]).to.deep.equal(Object.keys(REASONS));
  });

  it('has the table of failures of the code, with the comments of the proto', () => {
    const table = read('docs/errors.md').split('| failure code |')[1]?.split('\n\n')[0] ?? '';
    expect(`${table.split('\n').slice(2).join('\n')}\n`).to.equal(failuresTable());
  });

  for (const reason of Object.keys(REASONS) as Reason[]) {
    it(`says of ${reason} what the proto says, with the code that is answered`, () => {
      expect(docs.get(reason)).to.deep.equal(proto.get(reason));
      expect(docs.get(reason)?.code).to.equal(REASONS[reason]);
    });
  }
});
