import { formatApiToken, hashToken, type ApiToken } from '../../src/access/api-tokens.ts';
import { ROLES, type Role } from '../../src/access/roles.ts';

/** A token for each role. Its name is that of the role. */
export const TOKENS: Readonly<Record<Role, string>> = {
  viewer: 'token-of-a-viewer',
  lifecycle: 'token-of-a-platform',
  admin: 'token-of-an-owner',
};

/** What a server knows of {@link TOKENS}. */
export const API_TOKENS: readonly ApiToken[] = ROLES.map((role) => ({
  name: role,
  role,
  sha256: hashToken(TOKENS[role]),
}));

/** The variables of a server that knows {@link TOKENS}. */
export const TOKEN_SETTINGS = { CALLHOOKS_AUTH_TOKENS: API_TOKENS.map(formatApiToken).join() };

/** Returns the gRPC headers of a request with a token. */
export function withToken(token: string): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { authorization: `Bearer ${token}` } };
}
