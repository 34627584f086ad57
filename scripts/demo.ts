/** `make demo`: the life of two calls on a terminal, against a small CRM on loopback. Leaves nothing behind. */
import { randomUUID } from 'node:crypto';
import { connectDemo } from './demo/client.ts';
import { startCrm } from './demo/crm.ts';
import { createPage } from './demo/page.ts';
import { startServer } from './demo/server.ts';
import { tellStory } from './demo/story.ts';

const page = createPage(process.stdout);
const crm = await startCrm();
const server = await startServer(process.env);
try {
  const rpc = connectDemo(server.address);
  try {
    await tellStory({ page, crm, rpc, newUuid: randomUUID, address: server.address });
  } finally {
    rpc.close();
  }
} finally {
  await server.stop();
  await crm.close();
}
