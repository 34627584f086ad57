import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CallhooksClientError,
  createClient,
  ExecutionLogService,
  WatchExecutionsRequest,
  WebhookType,
  type CallhooksClient,
  type WatchExecutionsResponse,
} from 'callhooks/client';
import { expect } from 'chai';
import { openConnection } from '../../src/api-client/connection.ts';
import { freePort } from '../support/free-port.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';
import { startBuiltServer } from './built-server.ts';
import { startFlakyServer, type FlakyServer } from './flaky-server.ts';

/** Returns the error with which a watch ends. */
async function endOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => new Error('the watch went on'),
    (error: unknown) => error as Error,
  );
}

describe('executions.watchExecutions of callhooks/client', function () {
  this.timeout(60_000);

  describe('on a flaky server', () => {
    let server: FlakyServer;
    let client: CallhooksClient;
    before(async () => {
      server = await startFlakyServer();
      client = createClient({ address: server.address });
    });
    after(() => {
      client.close();
      server.close();
    });

    const request = (wish: string) => ({ conversationUuid: randomUUID(), webhookUuid: wish });
    /** Takes so many messages of a watch. */
    const take = async (wish: string, count: number): Promise<WatchExecutionsResponse[]> => {
      const messages: WatchExecutionsResponse[] = [];
      for await (const message of client.executions.watchExecutions(request(wish)))
        if (messages.push(message) === count) break;
      return messages;
    };
    const allStreamsClosed = () => until('all streams to be closed', () => server.openStreams() === 0);

    it('resumes a lost stream where it was, tells nothing twice, and ends the stream with the loop', async () => {
      const messages = await take('UNAVAILABLE*2', 3);
      const told = messages.flatMap(({ executions }) => executions);
      expect(told.map(({ executionUuid, rejectReason }) => [executionUuid, rejectReason])).to.deep.equal([
        ['1', '0'],
        ['2', '0'],
        ['3', '15'],
        ['4', '25'],
      ]);
      await allStreamsClosed();
    });

    it('tries the first stream four times, and rejects then', async () => {
      const [message] = await take('!UNAVAILABLE*2', 1);
      expect(message?.executions[0]?.executionUuid).to.equal('3');
      const error = await endOf(take('!UNAVAILABLE*9', 1));
      expect(error).to.be.instanceOf(CallhooksClientError);
      expect(error).to.include({ code: 'UNAVAILABLE', message: 'attempt 4' });
    });

    it('rejects with an error that another try does not help', async () => {
      const error = await endOf(take('PERMISSION_DENIED*1', 2));
      expect(error).to.include({ code: 'PERMISSION_DENIED', message: 'attempt 1' });
    });

    it("rejects with the signal's reason when it is aborted, and ends the stream", async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const { signal } = controller;
      const watch = client.executions.watchExecutions(request(''), { signal });
      await watch.next();
      const next = endOf(watch.next());
      controller.abort(reason);
      expect(await next).to.equal(reason);
      await allStreamsClosed();
      expect(await endOf(client.executions.watchExecutions(request(''), { signal }).next())).to.equal(reason);
    });

    it('rejects when the client is closed', async () => {
      const other = createClient({ address: server.address });
      const watch = other.executions.watchExecutions(request(''));
      await watch.next();
      const next = endOf(watch.next());
      other.close();
      expect(await next).to.include({ code: 'CANCELLED', message: 'the client was closed' });
    });

    it('gives up a stream that is silent for too long, and ends it', async () => {
      const { receive, close } = openConnection({ address: server.address });
      const { path, requestSerialize } = ExecutionLogService.watchExecutions;
      const bytes = requestSerialize(WatchExecutionsRequest.fromPartial(request('silent')));
      const messages = receive(path, bytes, { firstWithinMs: 100 })[Symbol.asyncIterator]();
      const error = await endOf(messages.next());
      expect(error).to.include({ code: 'DEADLINE_EXCEEDED', message: 'no message came within 0.1 s' });
      await allStreamsClosed();
      close();
    });

    it('holds a server back that tells more than the loop reads', async () => {
      const watch = client.executions.watchExecutions(request('flood'));
      await watch.next();
      let last = 0;
      let same = 0;
      await until('the server to be held back', () => {
        const { written, isHeld } = server.flood();
        same = isHeld && written === last ? same + 1 : 0;
        last = written;
        return same === 20;
      });
      // A message has 64 KiB.
      expect(last).to.be.lessThan(200);
      for (let count = 0; count < 2 * last; count += 1) await watch.next();
      expect(server.flood().written).to.be.greaterThan(last);
      await watch.return();
      await allStreamsClosed();
    });
  });

  describe('on a server that is killed', () => {
    let folder: string;
    let endpoint: Receiver;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'callhooks-'));
      endpoint = await startReceiver({ body: {} });
    });
    after(async () => {
      await endpoint.close();
      rmSync(folder, { recursive: true });
    });

    it('misses no execution and tells none twice', async () => {
      const settings = {
        CALLHOOKS_LISTEN: `127.0.0.1:${await freePort()}`,
        CALLHOOKS_DATA_DIR: folder,
      };
      let server = await startBuiltServer(settings);
      const client = createClient({ address: server.address });
      const { agent } = await client.agents.createAgent({
        agent: {
          webhooks: [
            {
              webhookType: WebhookType.WEBHOOK_TYPE_PRE_CALL,
              webhookConfig: { apiSchema: { url: endpoint.url, method: 'GET' } },
            },
          ],
        },
      });
      const call = async (): Promise<string> => {
        const start = { agentUuid: agent?.agentUuid ?? '', conversationUuid: randomUUID() };
        return (await server.rpc.calls.onCallStart(start)).execution?.executionUuid ?? '';
      };
      const watch = client.executions.watchExecutions({ agentUuid: agent?.agentUuid });
      await watch.next();
      const told: string[] = [];
      const isTold = async (executionUuid: string): Promise<void> => {
        while (!told.includes(executionUuid))
          told.push(...((await watch.next()).value?.executions ?? []).map((each) => each.executionUuid));
      };
      const calls = [await call(), await call()];
      await isTold(calls[1] ?? '');
      calls.push(await call(), await call());
      await server.kill();
      server = await startBuiltServer(settings);
      calls.push(await call());
      await isTold(calls[4] ?? '');
      calls.push(await call());
      await isTold(calls[5] ?? '');
      expect(told).to.deep.equal(calls);
      client.close();
      await server.stop();
    });
  });
});
