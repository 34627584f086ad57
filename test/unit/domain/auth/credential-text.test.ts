import { expect } from 'chai';
import { basicHeaderProblem } from '../../../../src/domain/auth/credential-text.ts';
import { parseTemplate } from '../../../../src/domain/template/template.ts';

function problemOf(value: string): string | undefined {
  const parsed = parseTemplate(value, { escapes: true });
  return parsed.ok ? basicHeaderProblem(parsed.template) : 'no template';
}

describe('basicHeaderProblem', () => {
  const accepted = [
    ...['Basic Ym9iOng=', 'basic Ym9iOnB3  ', 'BASIC\tYm9iOnB3', 'Basic {{secret.PAIR}}', 'Basic {{a}}{{b}}'],
    ...['Basic Ym9i{{secret.REST}}==', 'Bearer bob:x', 'Basically bob:x', '{{scheme}} bob:x', 'Digest a="b"'],
  ];
  for (const value of accepted)
    it(`accepts "${value}"`, () => {
      expect(problemOf(value)).to.equal(undefined);
    });

  const refused = [
    ...[
      'Basic bob:x',
      'Basic {{secret.U}}:{{secret.P}}',
      'Basic {{secret.U}}:x',
      'basic bob x',
      'Basic',
      'Basic ',
    ],
    ...['Basic Ym9iOng', 'Basic Ym9iOng==', 'Basic Ym9i-w_=', 'Basic "Ym9iOnB3"', 'Basic {{a}} {{b}}'],
  ];
  for (const value of refused)
    it(`refuses "${value}"`, () => {
      expect(problemOf(value)).to.match(/auth\.basic/);
    });
});
