import { expect } from 'chai';
import { filterQuery, parseFilter } from '../../../../../src/console/pages/executions/filter.ts';
import {
  ExecutionState,
  FailureCode,
  ListExecutionsRequest,
  WebhookType,
} from '../../../../../src/gen/index.callhooks.v1.ts';

const NOW = Date.parse('2026-11-28T12:00:00Z');
const parse = (query: string) => parseFilter(new URLSearchParams(query), NOW);

describe('parseFilter', () => {
  it('reads every field of ListExecutionsRequest', () => {
    const query = [
      'agent_uuid=a1&conversation_uuid=c1&webhook_uuid=w1&webhook_type=PRE_CALL&states=FAILED&states=INTERRUPTED',
      'failure_codes=TIMEOUT&degraded=true&rejected=false&accepted_at_from=2h&accepted_at_to=2026-11-28T11:00Z',
      'page_size=25&page_token=abc',
    ].join('&');
    const { request, problems } = parse(query);
    expect([...problems]).to.deep.equal([]);
    expect(request).to.deep.equal({
      agentUuid: 'a1',
      conversationUuid: 'c1',
      webhookUuid: 'w1',
      webhookType: WebhookType.WEBHOOK_TYPE_PRE_CALL,
      states: [ExecutionState.EXECUTION_STATE_FAILED, ExecutionState.EXECUTION_STATE_INTERRUPTED],
      failureCodes: [FailureCode.FAILURE_CODE_TIMEOUT],
      degraded: true,
      rejected: false,
      acceptedAtFrom: new Date('2026-11-28T10:00:00Z'),
      acceptedAtTo: new Date('2026-11-28T11:00:00Z'),
      pageSize: 25,
      pageToken: 'abc',
    } satisfies ListExecutionsRequest);
  });

  it('reads an empty query, and a form that was sent without a choice, as no filter', () => {
    const none = ListExecutionsRequest.create();
    expect(ListExecutionsRequest.create(parse('').request)).to.deep.equal(none);
    const form = 'agent_uuid=&webhook_type=&degraded=&rejected=&accepted_at_from=&accepted_at_to=&page_size=';
    expect(ListExecutionsRequest.create(parse(form).request)).to.deep.equal(none);
  });

  it('takes small letters and the whole names of the API', () => {
    const { request } = parse('webhook_type=post_call&states=EXECUTION_STATE_FAILED&failure_codes=dns');
    expect(request.webhookType).to.equal(WebhookType.WEBHOOK_TYPE_POST_CALL);
    expect(request.states).to.deep.equal([ExecutionState.EXECUTION_STATE_FAILED]);
    expect(request.failureCodes).to.deep.equal([FailureCode.FAILURE_CODE_DNS]);
  });

  it('tells all rules that are broken at once, at their fields', () => {
    const query = 'webhook_type=x&states=__proto__&failure_codes=UNSPECIFIED&degraded=1&rejected=no';
    const { problems } = parse(`${query}&accepted_at_from=soon&accepted_at_to=later&page_size=1000`);
    expect([...problems.keys()]).to.have.members([
      'webhook_type',
      'states',
      'failure_codes',
      'degraded',
      'rejected',
      'accepted_at_from',
      'accepted_at_to',
      'page_size',
    ]);
    expect(problems.get('page_size')).to.equal('must be 1 to 200');
  });

  it('tells that there is one type at most', () => {
    const { problems } = parse('webhook_type=PRE_CALL&webhook_type=POST_CALL');
    expect(problems.get('webhook_type')).to.equal('must be one type; leave it out for both');
  });
});

describe('filterQuery', () => {
  it('writes what parseFilter reads, and a time ago as the time that it meant', () => {
    const query =
      'agent_uuid=a1&webhook_type=PRE_CALL&states=FAILED&degraded=false&accepted_at_from=2h&page_size=10';
    const written = filterQuery(parse(query).request, 'next');
    expect(written).to.include('accepted_at_from=2026-11-28T10%3A00%3A00.000Z');
    expect(parse(written).request).to.deep.equal({ ...parse(query).request, pageToken: 'next' });
  });
});
