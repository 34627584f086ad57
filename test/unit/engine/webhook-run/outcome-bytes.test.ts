import { expect } from 'chai';
import type { HttpHeader } from '../../../../src/domain/execution.ts';
import { outcomeBytes } from '../../../../src/engine/webhook-run/outcome.ts';
import type { Outcome } from '../../../../src/store/write-batch.ts';

const headers: readonly HttpHeader[] = Array.from({ length: 32 }, (_, index) => ({
  name: `x-wide-${index}`,
  value: 'w'.repeat(8_000),
}));
const body = { body: '', bodyBinary: false, bodyBytes: 0, truncated: false };

const outcome = (parts: Partial<Outcome>): Outcome => ({
  executionUuid: '0197a1b2-0000-7000-8000-000000000001',
  webhookType: 'pre_call',
  claim: '0197a1b2-0000-7000-8000-000000000001',
  webhookEtag: '',
  state: 'succeeded',
  timings: {},
  missingVariables: [],
  missedAssignments: [],
  durationMs: 1,
  ...parts,
});

describe('the size of an outcome', () => {
  for (const { title, parts } of [
    { title: 'request', parts: { request: { method: 'POST', url: 'https://a.example/', headers, ...body } } },
    { title: 'response', parts: { response: { status: 200, headers, ...body } } },
    { title: 'variables', parts: { assigned: { wide: 'w'.repeat(256_000) } } },
  ]) {
    it(`counts a large ${title}, so that 200 of them are not one statement`, () => {
      expect(outcomeBytes(outcome(parts))).to.be.above(256_000);
    });
  }
});
