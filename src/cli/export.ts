import { CLIENT_EXIT_CODES, CLIENT_OPTIONS, CLIENT_VARIABLE_HELP } from './client/client-options.ts';
import { defineCommand, UsageError } from './frame/command.ts';
import { EXIT } from './frame/exit-codes.ts';

/** Writes the agents of a server into the files of a folder. */
export const exportAgents = defineCommand({
  usage: 'DIR [--agent UUID] [--force] [options]',
  about: `Writes each agent of a server into a YAML file of a folder, which "callhooks apply" reads
(docs/agents-as-files.md). Secrets are written as names. An agent that has a file already keeps it: a file that says the
same is not touched, and one that says something else is written again if export wrote it.

It needs a token of the role viewer.`,
  maxOperands: 1,
  options: {
    agent: { value: 'UUID', repeats: true, help: 'write this agent only' },
    force: { help: 'also write over files that export has not written' },
    ...CLIENT_OPTIONS,
  },
  variables: CLIENT_VARIABLE_HELP,
  examples: ['callhooks export agents', 'callhooks export agents --agent UUID'],
  exitCodes: {
    0: 'each agent has its file',
    ...CLIENT_EXIT_CODES,
    1: 'a file was left as it is, there is no such agent, or the server refused the command',
  },
  async run({ options, operands: [dir] }, shell) {
    if (dir === undefined) throw new UsageError('the folder for the files is missing');
    const { parseAgentUuids } = await import('./agent-files/agent-uuids.ts');
    const agents = parseAgentUuids(options.agent);
    const { connect } = await import('./client/connect.ts');
    const { createApiAdminClient } = await import('./agent-files/api-admin-client.ts');
    const { exportFiles } = await import('./agent-files/export-files.ts');
    const api = connect({ options, env: shell.env });
    try {
      const { written, unchanged, refused, missing } = await exportFiles(
        createApiAdminClient(api),
        { dir, agents, force: options.force },
        shell,
      );
      shell.print(`Written: ${written}. As it was: ${unchanged}. Not written: ${refused}.\n`);
      return refused + missing === 0 ? EXIT.done : EXIT.no;
    } finally {
      api.close();
    }
  },
});
