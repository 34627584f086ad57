import { COMMANDS } from './commands.ts';
import { rows } from './frame/help.ts';

/** Returns the text that `callhooks --help` prints. */
export function overview(): string {
  const commands = [...COMMANDS].map(([name, { summary }]) => [name, summary] as const);
  return `callhooks runs webhooks around phone calls. A voice platform reports the calls over gRPC.

Usage: callhooks <command> [options]

Commands
${rows([...commands, ['help <command>', 'print what a command does, its options and examples'], ['--version', 'print the version']])}

Settings are environment variables (docs/config.md). The common ones of the server:
  CALLHOOKS_LISTEN           where gRPC is served (127.0.0.1:50051)
  CALLHOOKS_DATA_DIR         the folder of the embedded database (./data)
  DATABASE_URL               MySQL or MariaDB instead: mysql://user:password@host/database
  CALLHOOKS_ENCRYPTION_KEYS  required with DATABASE_URL: k1:$(openssl rand -base64 32)
  CALLHOOKS_AUTH_TOKENS      who may call, as "callhooks token" prints it
  CALLHOOKS_TLS_CERT_FILE    the certificate of the gRPC port, with CALLHOOKS_TLS_KEY_FILE
  CALLHOOKS_EGRESS_ALLOW     private targets that webhooks may reach, such as 10.0.0.0/8:443
  CALLHOOKS_LOG_LEVEL        info

Exit codes
  0    the command did what it was asked
  1    the answer is no: not found, refused, not serving
  64   the command line is wrong
  69   the database, the server or the port is not available
  70   there was an unexpected error
  74   the output could not be written
  78   settings, keys or schema have to be put right (all problems are printed)
`;
}
