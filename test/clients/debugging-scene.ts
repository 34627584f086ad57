import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startBuiltServer } from './built-server.ts';
import { pathWithTools } from './tools.ts';

const CRM = fileURLToPath(new URL('../../examples/crm.mjs', import.meta.url));
const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
const { WEBHOOK_TYPE_PRE_CALL } = pb.WebhookType;

/** The calls that docs/debugging.md speaks of, and the place where its commands run. */
export interface DebuggingScene {
  /** Leads from each address in the page to the one that it stands for. */
  readonly places: ReadonlyMap<string, string>;
  /** The environment of the commands: `callhooks` and grpcurl are on its path. */
  readonly env: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** Starts a server and a CRM, and makes three calls: one misses a name, one fails, and one is rejected. */
export async function startDebuggingScene(): Promise<DebuggingScene> {
  const folder = await mkdtemp(join(tmpdir(), 'callhooks-debugging-'));
  const crm = spawn(process.execPath, [CRM, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(crm.stdout), 'line')) as [string];
  const crmAddress = /http:\/\/(\S+)/.exec(line)?.[1] ?? '';
  const server = await startBuiltServer();
  await makeCalls(server.rpc, crmAddress);
  const callhooks = join(folder, 'callhooks');
  await writeFile(callhooks, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  await chmod(callhooks, 0o755);
  return {
    places: new Map([
      ['127.0.0.1:50051', server.address],
      ['127.0.0.1:8080', crmAddress],
    ]),
    env: {
      PATH: [folder, pathWithTools()].join(delimiter),
      HOME: folder,
      CALLHOOKS_ADDRESS: server.address,
    },
    async stop() {
      await server.stop();
      const ended = once(crm, 'exit');
      crm.kill();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

/** Returns the id of an agent or a call in the page. */
const idOf = (kind: 'a' | 'c', number: number) => `${kind}0000000-0000-4000-8000-00000000000${number}`;

async function makeCalls(
  rpc: Awaited<ReturnType<typeof startBuiltServer>>['rpc'],
  crm: string,
): Promise<void> {
  const apiSchema = {
    url: `http://${crm}/lookup`,
    method: 'POST',
    requestHeaders: { Authorization: 'Bearer {{secret.CRM_TOKEN}}' },
    requestBody: { caller_phone: '{{caller_phone}}' },
  };
  const assignments = [
    { attributeName: 'customer.full_name', dynamicVariable: 'customer_name' },
    { attributeName: 'customer.plan', dynamicVariable: 'plan' },
  ];
  const nobody = { ...apiSchema, url: 'http://127.0.0.1:9/lookup' };
  const stranger = { ...apiSchema, requestHeaders: {} };
  const configs = [
    { apiSchema, assignments, responseTimeoutSecs: 2 },
    { apiSchema: nobody, assignments, responseTimeoutSecs: 2 },
    { apiSchema: stranger, assignments, responseTimeoutSecs: 2, rejection: { httpStatuses: [401] } },
  ];
  for (const [index, webhookConfig] of configs.entries()) {
    const agentUuid = idOf('a', index + 1);
    const dynamicVariables = { customer_name: 'there', plan: 'unknown' };
    const webhooks = [{ webhookType: WEBHOOK_TYPE_PRE_CALL, webhookConfig }];
    const agent = { agentUuid, dynamicVariables, webhooks };
    await rpc.agents.createAgent({ agent, secrets: { CRM_TOKEN: 'crm-token' } });
    const call = { agentUuid, conversationUuid: idOf('c', index + 1), callerPhone: '+14155550123' };
    await rpc.calls.onCallStart(call);
  }
}
