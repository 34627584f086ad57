import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { consoleClient, formTokenOf } from '../console/support/console-client.ts';
import { PLANTED_TOKEN } from './planted-calls.ts';

/**
 * Visits the console of a server with `PLANTED_SETTINGS`, after its calls, with planted values in the address, in forms and
 * in headers: a login that fails, one that succeeds, pages that are there and that are not, and a logout. Returns the
 * statuses.
 */
export async function playPlantedVisits(opsAddress: string): Promise<readonly number[]> {
  const client = consoleClient(opsAddress);
  const page = '/console/login';
  const failed = await client.post(
    '/console/login',
    { token: 'zqplantedwrong', to: '/zqplantedto' },
    { page },
  );
  const loggedIn = await client.post('/console/login', { token: PLANTED_TOKEN }, { page });
  const list = await client.get('/console/executions', {
    'user-agent': 'zqplantedagent',
    referer: 'http://zqplantedreferrer',
  });
  const [, path = ''] = /href="(\/console\/executions\/[0-9a-f-]{36})"/.exec(list.body) ?? [];
  const execution = await client.get(path);
  const statuses = [failed, loggedIn, list, execution].map(({ status }) => status);
  for (const address of [
    '/console/zqplantedpath',
    '/console/executions?agent_uuid=zqplantedid',
    '/console/search?q=zqplantedq',
  ])
    statuses.push((await client.get(address)).status);
  await watch(opsAddress, [...client.cookies].map((cookie) => cookie.join('=')).join('; '));
  const tooLong = { csrf: formTokenOf(list.body), config: 'zqplantedconfig'.repeat(40_000) };
  statuses.push((await client.post('/console/try', tooLong)).status);
  statuses.push((await client.post('/console/logout', { csrf: formTokenOf(list.body) })).status);
  return statuses;
}

/** Opens a live list, and goes away when its first event has come. */
async function watch(opsAddress: string, cookie: string): Promise<void> {
  const asked = request(`http://${opsAddress}/console/executions/live?conversation_uuid=`, {
    headers: { cookie },
  });
  asked.on('error', () => undefined).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  await once(response, 'data');
  asked.destroy();
}
