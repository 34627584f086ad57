import { expect } from 'chai';
import { createPendingPostCalls } from '../../../../src/engine/post-call/pending-post-calls.ts';
import type { PendingPostCall } from '../../../../src/store/execution-store.ts';

const UUID = '0197a1b2-0000-7000-8000-000000000001';
const POST_CALL: PendingPostCall = {
  ...{ executionUuid: UUID, conversationUuid: UUID, agentUuid: UUID, webhookUuid: UUID },
  acceptedAtMs: 0,
};

describe('the pending post-calls', () => {
  it('use a slot that becomes free while a drain that found none is just ending', async () => {
    let free = 0;
    const sent: string[] = [];
    const pendingPostCalls = createPendingPostCalls({
      store: {
        listPendingWebhooks: async () => [{ webhookUuid: UUID, oldestAcceptedAtMs: 0 }],
        listPendingPostCalls: async () => (sent.length === 0 ? [POST_CALL] : []),
        failUnsent: async () => [],
        nowMs: async () => 0,
      },
      agentStore: { findUrls: async () => new Map([[UUID, 'https://one/']]) },
      room: () => free,
      startByMs: 0,
      send: async (postCalls) => {
        sent.push(...postCalls.map(({ executionUuid }) => executionUuid));
        return { left: [], canSend: true };
      },
      isStopped: () => false,
      onFaultPoint: () => undefined,
      onError: (error) => {
        throw error;
      },
    });
    await pendingPostCalls.poll();
    const first = pendingPostCalls.drain();
    free = 1;
    await Promise.all([first, pendingPostCalls.drain()]);
    expect(sent).to.deep.equal([UUID]);
  });
});
