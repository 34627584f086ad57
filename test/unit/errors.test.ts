import { expect } from 'chai';
import { errorCode } from '../../src/errors.ts';

describe('errorCode', () => {
  const withCode = (code: unknown) => Object.assign(new Error('failed'), { code });
  const rows: readonly (readonly [title: string, error: unknown, code: string | undefined])[] = [
    ['returns the code of an error that has one', withCode('ECONNREFUSED'), 'ECONNREFUSED'],
    ['returns undefined for an error without a code', new Error('failed'), undefined],
    ['returns undefined for an empty code', withCode(''), undefined],
    ['returns undefined for a code that is a number', withCode(20), undefined],
    ['returns undefined for a value that is no error', { code: 'ECONNREFUSED' }, undefined],
    ['returns undefined for nothing', undefined, undefined],
  ];
  for (const [title, error, code] of rows) it(title, () => expect(errorCode(error)).to.equal(code));
});
