import type { Command } from './frame/command.ts';

/** Says what a command is for, and loads it. */
export interface CommandEntry {
  /** The line of the command in `callhooks --help`. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** Holds all commands, in the order of the help. Each one has a file, which is loaded when the command runs. */
export const COMMANDS: ReadonlyMap<string, CommandEntry> = new Map<string, CommandEntry>([
  [
    'serve',
    {
      summary: 'serve gRPC until SIGTERM or Ctrl-C (a second one ends it at once)',
      load: async () => (await import('./serve.ts')).serve,
    },
  ],
  [
    'migrate',
    {
      summary: "bring the database to this version's schema, and print what is done",
      load: async () => (await import('./migrate.ts')).migrate,
    },
  ],
  [
    'rotate-keys',
    {
      summary: 'encrypt all stored values with the first key (docs/keys.md)',
      load: async () => (await import('./rotate-keys.ts')).rotateKeys,
    },
  ],
  [
    'token',
    {
      summary: 'make a token for a client, and its entry for CALLHOOKS_AUTH_TOKENS',
      load: async () => (await import('./token.ts')).token,
    },
  ],
  [
    'check-config',
    {
      summary: 'print the settings in effect, the database, and how many secrets each key encrypts',
      load: async () => (await import('./check-config.ts')).checkConfig,
    },
  ],
  [
    'apply',
    {
      summary: 'make the agents of a server equal to the YAML files of a folder (docs/agents-as-files.md)',
      load: async () => (await import('./apply.ts')).apply,
    },
  ],
  [
    'export',
    {
      summary: 'write the agents of a server into YAML files',
      load: async () => (await import('./export.ts')).exportAgents,
    },
  ],
  [
    'healthcheck',
    {
      summary: 'ask the server on this machine whether it serves (for containers)',
      load: async () => (await import('./healthcheck.ts')).healthcheck,
    },
  ],
  [
    'explain',
    {
      summary: 'explain what became of the webhooks of a call, or follow executions as they end',
      load: async () => (await import('./explain.ts')).explain,
    },
  ],
  [
    'try',
    {
      summary: 'show what a webhook would send, and send it with --send (TestWebhook)',
      load: async () => (await import('./try.ts')).tryWebhook,
    },
  ],
]);
