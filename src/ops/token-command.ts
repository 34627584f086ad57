import { parseArgs } from 'node:util';
import { formatApiToken, hashToken, isTokenName, NAME_RULE, newToken } from '../access/api-tokens.ts';
import { isRole, ROLES } from '../access/roles.ts';

/** The result of `callhooks token`: texts for the two outputs, or what is wrong with the command line. */
export type TokenCommand =
  | { readonly stdout: string; readonly stderr: string }
  | { readonly problem: string };

const WHAT_TO_DO = `Give the token to the client, which sends it as "authorization: Bearer <token>". It is not shown again.
Add the entry to CALLHOOKS_AUTH_TOKENS and restart callhooks.
`;

/**
 * Makes a new token and the entry for it. Standard output gets these two lines alone, so that a script can read them.
 * @param args the command line behind `token`: `--name` and `--role`
 */
export function tokenCommand(args: readonly string[]): TokenCommand {
  const { name, role, problem } = readOptions(args);
  if (problem !== undefined) return { problem };
  if (!isTokenName(name)) return { problem: `token needs --name: a name ${NAME_RULE}` };
  if (!isRole(role)) return { problem: `token needs --role: one of ${ROLES.join(', ')}` };
  const token = newToken();
  const entry = formatApiToken({ name, role, sha256: hashToken(token) });
  return { stdout: `token ${token}\nentry ${entry}\n`, stderr: WHAT_TO_DO };
}

function readOptions(args: readonly string[]): { name: string; role: string; problem?: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { name: { type: 'string' }, role: { type: 'string' } },
    });
    return { name: values.name ?? '', role: values.role ?? '' };
  } catch (error) {
    // parseArgs explains over several sentences; the first one says what is wrong.
    const [problem] = (error as Error).message.split('. ');
    return { name: '', role: '', problem: `token: ${problem}` };
  }
}
