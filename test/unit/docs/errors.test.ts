import { readFileSync } from 'node:fs';
import { expect } from 'chai';
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

describe('docs/errors.md', () => {
  const docs = describedInDocs();
  const proto = describedInProto();

  it('has the reasons of the code, in their order', () => {
    expect([...docs.keys()]).to.deep.equal(Object.keys(REASONS));
  });

  for (const reason of Object.keys(REASONS) as Reason[]) {
    it(`says of ${reason} what the proto says, with the code that is answered`, () => {
      expect(docs.get(reason)).to.deep.equal(proto.get(reason));
      expect(docs.get(reason)?.code).to.equal(REASONS[reason]);
    });
  }
});
