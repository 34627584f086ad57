import { expect } from 'chai';
import { createFailingWebhooks } from '../../../../src/engine/minutes/failing-webhooks.ts';

describe('the count of failing webhooks', () => {
  it('returns the worst first, and the failures of the rest as one number', () => {
    const webhooks = createFailingWebhooks();
    webhooks.add('w1', 'a1', 2);
    webhooks.add('w2', 'a1', 5);
    webhooks.add('w1', 'a1', 1);
    webhooks.addOthers(7);
    expect(webhooks.worst(1)).to.deep.equal([{ webhookUuid: 'w2', agentUuid: 'a1', failures: 5 }]);
    expect([webhooks.others(1), webhooks.others(2), webhooks.others(0)]).to.deep.equal([10, 7, 15]);
  });

  it('keeps 200 webhooks at most, and those that fail most among 100,000', () => {
    const webhooks = createFailingWebhooks();
    for (let at = 0; at < 100_000; at += 1) {
      webhooks.add(`rare-${at}`, 'a', 1);
      if (at % 10 === 0) webhooks.add('often', 'a', 1);
      if (at % 30 === 0) webhooks.add('less-often', 'a', 1);
    }
    expect([...webhooks.named()].length).to.be.at.most(200);
    expect(webhooks.worst(2).map(({ webhookUuid, failures }) => [webhookUuid, failures])).to.deep.equal([
      ['often', 10_000],
      ['less-often', 3_334],
    ]);
    expect(webhooks.others(2)).to.equal(100_000);
  });
});
