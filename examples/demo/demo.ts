/** Shows a few calls on the terminal, against a small CRM on loopback. Leaves no files behind. Run it by `make demo`. */
import { randomUUID } from 'node:crypto';
import { connectDemo } from './client.ts';
import { startCrm } from './crm.ts';
import { createPage } from './page.ts';
import { startServer } from './server.ts';
import { tellStory } from './story.ts';

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
