import { CLIENT_EXIT_CODES, CLIENT_OPTIONS, CLIENT_VARIABLE_HELP } from './client/client-options.ts';
import { defineCommand, UsageError } from './frame/command.ts';

/** Makes the agents of a server equal to the files of a folder. */
export const apply = defineCommand({
  usage: 'DIR [--dry-run] [--prune] [--secrets] [options]',
  about: `Makes the agents and webhooks of a server equal to the YAML files in a folder: one file for each agent
(docs/agents-as-files.md). All files are checked first. Then the difference is shown, and only what differs is written, one
agent at a time; an agent that somebody else changes in the meantime is not overwritten. What no file has stays on the server,
unless --prune deletes it.

The server never shows the value of a secret. So a secret is written when the server has none of its name, and with --secrets
always. Its value comes from an environment variable or a file, which the file of the agent names.

It needs a token of the role admin; viewer is enough for --dry-run.`,
  maxOperands: 1,
  options: {
    'dry-run': { help: 'show the difference and write nothing' },
    prune: {
      help: 'delete agents that no file has, and webhooks and secrets that the file of their agent does not have',
    },
    secrets: { help: 'write all secrets, also those that the server has' },
    agent: { value: 'UUID', repeats: true, help: 'look at this agent only' },
    yes: { help: 'let --prune delete every agent when the folder has no file' },
    ...CLIENT_OPTIONS,
  },
  variables: CLIENT_VARIABLE_HELP,
  examples: [
    'callhooks apply agents --dry-run',
    'callhooks apply agents',
    'callhooks apply agents --prune',
    'CRM_TOKEN="$(cat crm-token)" callhooks apply agents --secrets --agent UUID',
  ],
  exitCodes: {
    0: 'the server is as the files say',
    ...CLIENT_EXIT_CODES,
    1: 'the server refused an agent (all others were written), or the command',
    2: '--dry-run found a difference',
    65: 'files or secrets have problems, and nothing was written',
  },
  async run({ options, operands: [dir] }, shell) {
    if (dir === undefined) throw new UsageError('the folder with the files is missing');
    const { parseAgentUuids } = await import('./agent-files/agent-uuids.ts');
    const agents = parseAgentUuids(options.agent);
    const { connect } = await import('./client/connect.ts');
    const { createApiAdminClient } = await import('./agent-files/api-admin-client.ts');
    const { applyFiles } = await import('./agent-files/apply-files.ts');
    const api = connect({ options, env: shell.env });
    try {
      const { prune, secrets, yes, 'dry-run': dryRun } = options;
      const wanted = { dir, dryRun, prune, secrets, yes, agents };
      return await applyFiles(createApiAdminClient(api), wanted, shell.env, shell);
    } finally {
      api.close();
    }
  },
});
