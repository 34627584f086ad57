import { formatApiToken, hashToken, isTokenName, NAME_RULE, newToken } from '../access/api-tokens.ts';
import { isRole, ROLES } from '../access/roles.ts';
import { defineCommand, UsageError } from './frame/command.ts';
import { EXIT } from './frame/exit-codes.ts';

const WHAT_TO_DO = `Give the token to the client, which sends it as "authorization: Bearer <token>". It is not shown again.
Add the entry to CALLHOOKS_AUTH_TOKENS and restart callhooks.
`;

/** Makes a token and its entry. Standard output gets these two lines alone, so that a script can read them. */
export const token = defineCommand({
  usage: '--name NAME --role ROLE',
  about: `Makes a token for one client, and the entry by which the server knows it. The server stores the hash of a token
and not the token, so the token can't be shown again. Standard output gets the two lines "token …" and "entry …".`,
  options: {
    name: { value: 'NAME', help: `the name of the client in logs; it ${NAME_RULE}` },
    role: {
      value: 'ROLE',
      help: 'viewer (reads), lifecycle (reports calls and reads executions), or admin (everything)',
    },
  },
  examples: ['callhooks token --name platform --role lifecycle'],
  exitCodes: { 0: 'the token was made', 64: 'the command line is wrong' },
  async run({ options: { name = '', role = '' } }, shell) {
    if (!isTokenName(name)) throw new UsageError(`--name is required: a name ${NAME_RULE}`);
    if (!isRole(role)) throw new UsageError(`--role is required: one of ${ROLES.join(', ')}`);
    const newest = newToken();
    const entry = formatApiToken({ name, role, sha256: hashToken(newest) });
    shell.print(`token ${newest}\nentry ${entry}\n`);
    shell.say(WHAT_TO_DO);
    return EXIT.done;
  },
});
