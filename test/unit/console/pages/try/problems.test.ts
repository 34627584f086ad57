import { expect } from 'chai';
import { problemsOf, problemSummary } from '../../../../../src/console/pages/try/problems.ts';
import { tryFormOf } from '../../../../../src/console/pages/try/try-form.ts';
import { CallhooksError, validationFailed } from '../../../../../src/errors.ts';

const CONFIG = '{\n  "api_schema": {\n    "url": "htp://a"\n  }\n}';

describe('problemsOf', () => {
  it('puts each violation at the control of its field', () => {
    const fields = [
      'webhook_config',
      'caller_phone',
      'dynamic_variables["a b"]',
      'metadata.a',
      'call_summary',
    ];
    const refusal = validationFailed(fields.map((field) => ({ field, description: 'is bad' })));
    expect(problemsOf(refusal, tryFormOf({})).map(({ control }) => control)).to.deep.equal([
      ...['webhook_config', 'caller_phone', 'dynamic_variables', 'metadata', 'call_summary'],
    ]);
  });

  for (const [title, text, line] of [
    ['of the configuration', CONFIG, 3],
    ['of a webhook with a configuration in it', `{"webhook_config":\n${CONFIG}}`, 4],
    ['of nothing when there is no text', '', undefined],
  ] as const) {
    it(`names the line ${title}`, () => {
      const refusal = validationFailed([{ field: 'webhook_config.api_schema.url', description: 'is bad' }]);
      expect(problemsOf(refusal, tryFormOf({ webhook_config: text }))[0]?.line).to.equal(line);
    });
  }

  it('puts an unknown agent and an unknown webhook at their ids', () => {
    const control = (reason: 'AGENT_NOT_FOUND' | 'WEBHOOK_NOT_FOUND') =>
      problemsOf(new CallhooksError(reason, 'there is none'), tryFormOf({}))[0]?.control;
    expect(control('AGENT_NOT_FOUND')).to.equal('agent_uuid');
    expect(control('WEBHOOK_NOT_FOUND')).to.equal('webhook_uuid');
  });

  it('returns nothing for a refusal that is about no control', () => {
    expect(problemsOf(new CallhooksError('LIMIT_REACHED', 'too many'), tryFormOf({}))).to.deep.equal([]);
  });
});

describe('problemSummary', () => {
  it('shows 50 problems, and how many more there are', () => {
    const problem = { control: 'metadata', field: 'metadata', description: 'is bad' } as const;
    const summary = String(problemSummary(Array.from({ length: 60 }, () => problem)));
    expect(summary).to.include('60 things are to be mended').and.include('and 10 more');
    expect(summary.match(/href="#try-metadata"/g)).to.have.length(50);
  });
});
