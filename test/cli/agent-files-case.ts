import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AdminClient } from '../../src/cli/agent-files/admin-client.ts';
import { createApiAdminClient } from '../../src/cli/agent-files/api-admin-client.ts';
import { applyFiles, type ApplyOptions } from '../../src/cli/agent-files/apply-files.ts';
import { exportFiles, type Exported, type ExportOptions } from '../../src/cli/agent-files/export-files.ts';
import { connect, type Api } from '../../src/cli/client/connect.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { sqliteEngine } from '../support/engines.ts';

/** What a command has said. */
export interface Said {
  readonly code: number;
  /** Standard output, with the folder as `DIR`. */
  readonly out: string;
  /** Standard error, likewise. */
  readonly err: string;
}

/** Is a real server on SQLite, and a folder with files. */
export interface AgentFilesCase {
  readonly app: TestApp;
  readonly api: Api;
  readonly dir: string;
  /** Writes a file of the folder. */
  write(name: string, text: string): void;
  read(name: string): string;
  /** Lists the files of the folder. */
  list(): string[];
  /** Removes all files of the folder. */
  clear(): void;
  apply(options?: Partial<ApplyOptions>, env?: Record<string, string>): Promise<Said>;
  export(options?: Partial<ExportOptions>): Promise<Said & { readonly count: Exported }>;
  /** Lets a test stand between the commands and the server. */
  wrap: (client: AdminClient) => AdminClient;
  close(): Promise<void>;
}

/** Starts a server whose webhooks may reach nothing private. */
export async function startAgentFilesCase(): Promise<AgentFilesCase> {
  const engine = sqliteEngine();
  if (engine === undefined) throw new Error('this suite runs on SQLite');
  const app = await startTestApp(engine);
  const dir = mkdtempSync(join(tmpdir(), 'callhooks-agent-files-'));
  const options = { address: `127.0.0.1:${app.port}`, tls: false, insecure: false } as const;
  const api = connect({ options: { ...options, ...NO_OPTIONS }, env: {} });
  const run = async <T>(command: (output: { print: Print; say: Print }) => Promise<T>) => {
    const texts = { out: '', err: '' };
    const result = await command({
      print: (text) => (texts.out += text),
      say: (text) => (texts.err += text),
    });
    const hide = (text: string) => text.replaceAll(dir, 'DIR');
    return { result, out: hide(texts.out), err: hide(texts.err) };
  };
  const self: AgentFilesCase = {
    app,
    api,
    dir,
    wrap: (client) => client,
    write(name, text) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), text);
    },
    read: (name) => readFileSync(join(dir, name), 'utf8'),
    list: () => readdirSync(dir).toSorted(),
    clear() {
      for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
    },
    async apply(given, env = {}) {
      const wanted = { dir, dryRun: false, prune: false, yes: false, secrets: false, agents: [], ...given };
      const client = self.wrap(createApiAdminClient(api));
      const { result, out, err } = await run((output) => applyFiles(client, wanted, env, output));
      return { code: result, out, err };
    },
    async export(given) {
      const wanted = { dir, force: false, agents: [], ...given };
      const client = self.wrap(createApiAdminClient(api));
      const { result, out, err } = await run((output) => exportFiles(client, wanted, output));
      return { code: result.refused + result.missing, count: result, out, err };
    },
    async close() {
      api.close();
      await app.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return self;
}

type Print = (text: string) => void;

const NO_OPTIONS = {
  'ca-file': undefined,
  'cert-file': undefined,
  'key-file': undefined,
  'server-name': undefined,
  timeout: undefined,
};

/** Returns the id of the n-th agent of a test. */
export function agentUuid(n: number): string {
  return `a0000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

/** Returns the file of an agent with a pre-call webhook and a secret. */
export function agentText(
  n: number,
  changes: { name?: string; timeout?: number; more?: string } = {},
): string {
  const { name = `Agent ${n}`, timeout = 3, more = '' } = changes;
  return `agent_uuid: ${agentUuid(n)}
display_name: ${name}
dynamic_variables: { customer_name: there }
secrets: { TOKEN: { env: TOKEN } }
webhooks:
  - webhook_type: WEBHOOK_TYPE_PRE_CALL
    webhook_config:
      api_schema:
        url: https://api.example.com/lookup
        method: post
        request_headers: { Authorization: "Bearer {{secret.TOKEN}}" }
      assignments: [{ attribute_name: name, dynamic_variable: customer_name }]
      response_timeout_secs: ${timeout}
${more}`;
}

/** A post-call webhook, to follow {@link agentText}. */
export const POST_CALL = `  - webhook_type: WEBHOOK_TYPE_POST_CALL
    webhook_config:
      api_schema: { url: "https://api.example.com/calls", method: POST, request_body: "{{customer_name}}" }
`;
