import { randomUUID } from 'node:crypto';
import { connect as openSession, type ClientHttp2Session } from 'node:http2';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { STATE, TYPE, toBytes } from '../../src/store/sql/column-values.ts';
import type { Connections } from '../../src/store/sql/connections.ts';
import { marks } from '../../src/store/sql/sql.ts';
import { createSqliteConnections, openSqliteFile } from '../../src/store/sql/sqlite-file.ts';
import { sendCall } from '../grpc/http2-calls.ts';
import { readMetrics } from '../support/metrics.ts';
import { until } from '../support/until.ts';
import { watchExecutions } from '../support/watch.ts';
import { reportAttack } from './support/report.ts';
import { expectShortWork } from './support/time-rules.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const WATCH = '/callhooks.v1.ExecutionLog/WatchExecutions';
const READERS = 1_000;
const CONNECTIONS = 4;
const WATCHERS = 100;
const MAX_MESSAGE_MB = 0.27;
const MIB = 1024 * 1024;
const ROWS_A_BATCH = 200;

const COLUMNS =
  'execution_uuid, conversation_uuid, webhook_type, state, state_at, accepted_at, sending_at, agent_uuid, ' +
  'webhook_uuid, claim, webhook_etag, instance, detail';

/** Inserts executions that have just ended, each of about 1.2 KB, as another program could. */
async function insertEnded(direct: Connections): Promise<void> {
  const nowMs = Date.now();
  const detail = JSON.stringify({ rejectReason: 'x'.repeat(1_000) });
  const uuid = (): Buffer => toBytes(randomUUID());
  const rows = Array.from({ length: ROWS_A_BATCH }, () => [
    ...[uuid(), uuid(), TYPE.pre_call, STATE.succeeded, nowMs, nowMs, nowMs, uuid(), uuid(), uuid()],
    ...['e', 'i', detail],
  ]);
  const tuples = rows.map((row) => `(${marks(row.length)})`).join(', ');
  await direct.use((session) =>
    session.change(`INSERT INTO executions (${COLUMNS}) VALUES ${tuples}`, rows.flat()),
  );
}

describe('Watchers that do not read', () => {
  let server: WatchedServer;
  let direct: Connections;
  const sessions: ClientHttp2Session[] = [];
  before(async () => {
    server = await startWatchedServer();
    direct = createSqliteConnections(openSqliteFile(join(server.dataDir, 'data', 'callhooks.db'))).background;
  });
  after(async () => {
    for (const session of sessions) session.destroy();
    await direct.close();
    await server.close();
  });

  const figure = async (name: string) => (await readMetrics(server.opsAddress)).get(name) ?? NaN;

  it(`are ${WATCHERS} at most of ${READERS}, and each keeps one message, while others are served`, async function () {
    this.timeout(90_000);
    const reader = watchExecutions(server.port);
    await until('the reader to watch', () => reader.messages.length > 0);
    const { toll: opening } = await server.measure(async () => {
      let refused = 0;
      for (let at = 0; at < CONNECTIONS; at += 1) {
        // Nothing of a message fits into this window of flow control, and no more is ever granted.
        const session = openSession(`http://127.0.0.1:${server.port}`, {
          settings: { initialWindowSize: 64 },
        });
        session.on('error', () => undefined);
        sessions.push(session);
        for (let count = 0; count < READERS / CONNECTIONS; count += 1)
          sendCall(session, WATCH)
            .pause()
            .on('response', (headers) => {
              if (headers['grpc-status'] === String(status.RESOURCE_EXHAUSTED)) refused += 1;
            });
      }
      await until('all others to be refused', () => refused === READERS - (WATCHERS - 1));
      expect(await figure('callhooks_watchers')).to.equal(WATCHERS);
    });
    const { result, toll } = await server.measure(async () => {
      let inserted = 0;
      const endsAtMs = performance.now() + 12_000;
      let mostBuffered = 0;
      while (performance.now() < endsAtMs) {
        await insertEnded(direct);
        inserted += ROWS_A_BATCH;
        await until('the reader to be told', () => reader.executions().length + dropped(reader) >= inserted);
        mostBuffered = Math.max(mostBuffered, await figure('callhooks_buffered_bytes'));
      }
      return {
        inserted,
        mostBuffered,
        droppedForAll: await figure('callhooks_watch_dropped_total'),
      };
    });
    const bufferedMb = result.mostBuffered / MIB;
    reportAttack({
      attack: `${READERS} watchers of executions at once`,
      ...opening,
      record: `${READERS - WATCHERS + 1} refused`,
    });
    reportAttack({
      attack: `${WATCHERS - 1} of them that do not read`,
      ...toll,
      record: `${result.inserted} ended; ${bufferedMb.toFixed(1)} MiB buffered; ${result.droppedForAll} dropped`,
    });
    expect(reader.executions().length, 'told to the one who reads').to.be.above(result.inserted * 0.9);
    expect(bufferedMb, 'messages that wait').to.be.within(1, WATCHERS * MAX_MESSAGE_MB);
    expect(result.droppedForAll).to.be.above((WATCHERS - 10) * (result.inserted - 4 * ROWS_A_BATCH));
    expect(toll.grownMb, 'growth of memory').to.be.below(200);
    await expectShortWork(opening, 500);
    await expectShortWork(toll, 100);
    for (const session of sessions.splice(0)) session.destroy();
    await until('all bytes to be free', async () => (await figure('callhooks_buffered_bytes')) === 0);
    await until('one watcher to be left', async () => (await figure('callhooks_watchers')) === 1);
    reader.cancel();
  });
});

function dropped({ messages }: ReturnType<typeof watchExecutions>): number {
  return messages.reduce((sum, message) => sum + Number(message.dropped), 0);
}
