/**
 * Posts reports with an undici Pool and nothing around it, as many at once as callhooks sends to one origin. Prints how many
 * it posted a second, after 20,000 posts to warm up.
 *
 *   node bench/undici-alone.ts 127.0.0.1:8080 50000
 */
import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';

const CONNECTIONS = 128;
const WARM_UP = 20_000;
const [endpoint = '', posts = '0'] = process.argv.slice(2);
const pool = new Pool(`http://${endpoint}`, { connections: CONNECTIONS, pipelining: 1 });

async function post(): Promise<void> {
  const body = JSON.stringify({
    conversation_uuid: randomUUID(),
    caller_phone: '+14155550123',
    duration: 245,
    summary: 'The caller asked for the status of an order and was told that it arrives on Friday.',
  });
  const headers = { 'content-type': 'application/json', 'accept-encoding': 'identity' };
  const answer = await pool.request({ path: '/hook', method: 'POST', headers, body });
  await answer.body.text();
}

async function postAll(count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    for (; left > 0; left -= 1) await post();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

await postAll(WARM_UP);
const beganAtMs = performance.now();
await postAll(Number(posts));
console.log((Number(posts) / (performance.now() - beganAtMs)) * 1000);
await pool.close();
