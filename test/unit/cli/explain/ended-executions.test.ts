import { expect } from 'chai';
import { endedExecutions } from '../../../../src/cli/explain/ended-executions.ts';
import { WatchExecutionsRequest, WatchExecutionsResponse } from '../../../../src/gen/index.callhooks.v1.ts';

/** Follows these messages to their end. Returns the ids of the executions, and the warnings. */
async function follow(messages: readonly { executionUuids?: readonly string[]; dropped?: bigint }[]) {
  const told: string[] = [];
  const warnings: string[] = [];
  const api = {
    address: '127.0.0.1:1',
    watch: async function* watch() {
      for (const { executionUuids = [], dropped = 0n } of messages)
        yield WatchExecutionsResponse.fromPartial({
          executions: executionUuids.map((executionUuid) => ({ executionUuid })),
          dropped,
        });
    },
  };
  const warn = (text: string): void => void warnings.push(text);
  for await (const { executionUuid } of endedExecutions(api, WatchExecutionsRequest.fromPartial({}), warn))
    told.push(executionUuid);
  return { told, warnings };
}

describe('endedExecutions', () => {
  it('returns the executions of all messages, and warns of nothing when nothing was left out', async () => {
    const followed = await follow([{ executionUuids: ['a', 'b'] }, {}, { executionUuids: ['c'] }]);
    expect(followed).to.deep.equal({ told: ['a', 'b', 'c'], warnings: [] });
  });

  it('says how many executions were left out, and not each second', async () => {
    const { told, warnings } = await follow([
      { executionUuids: ['a'], dropped: 3n },
      { executionUuids: ['b'], dropped: 4n },
    ]);
    expect(told).to.deep.equal(['a', 'b']);
    expect(warnings).to.deep.equal(['3 executions left out, because too many ended: narrow the filter']);
  });
});
