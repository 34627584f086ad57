/** Describes an environment variable of the commands that ask a server, in the words of docs/config.md. */
interface ClientVariable {
  /** The text that an absent variable stands for, or a phrase in brackets that says what happens without it. */
  readonly default: string;
  readonly meaning: string;
}

/**
 * Holds the environment variables of the commands that ask a server over gRPC. A server ignores them, so that one
 * environment can have both.
 */
export const CLIENT_VARIABLES = {
  CALLHOOKS_ADDRESS: {
    default: '127.0.0.1:50051',
    meaning: 'The server that the commands ask, `host:port`. `--address` comes first.',
  },
  CALLHOOKS_TOKEN: {
    default: '(no token is sent)',
    meaning:
      'The token that is sent to it, as `callhooks token` printed it. No option has it, because other users see the options of a process.',
  },
  CALLHOOKS_TOKEN_FILE: {
    default: '(no token is sent)',
    meaning: 'A file with the token, in the place of `CALLHOOKS_TOKEN`.',
  },
} as const satisfies Readonly<Record<string, ClientVariable>>;
