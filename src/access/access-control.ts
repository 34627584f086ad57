import { findToken, hashToken, type ApiToken } from './api-tokens.ts';
import { isOpenToAll, mayCall } from './roles.ts';

/** Why somebody may not call a method. */
export type AccessRefusal = 'no_token' | 'unknown_token' | 'role_not_allowed';

/** Whether an RPC may come in. `caller` is the name of the token, where there is a valid one. */
export interface AccessDecision {
  /** It is undefined when the RPC may come in. */
  readonly refusal: AccessRefusal | undefined;
  readonly caller: string | undefined;
}

/**
 * Decides about an RPC by the path of its request and its header `authorization`, before any of its message is read. The
 * time that it takes does not depend on how much of a wrong token is right.
 */
export type AccessControl = (path: string, authorization: string | undefined) => AccessDecision;

const ALLOWED: AccessDecision = { refusal: undefined, caller: undefined };
const NO_TOKEN: AccessDecision = { refusal: 'no_token', caller: undefined };
const UNKNOWN_TOKEN: AccessDecision = { refusal: 'unknown_token', caller: undefined };

/** RFC 6750, 2.1: the scheme, in any case, blanks, and the token. */
const BEARER = /^bearer +([!-~]{1,512})$/i;

/** Returns the decision for servers without tokens: everybody may call every method. */
export function allowEverybody(): AccessDecision {
  return ALLOWED;
}

/** Makes the access control of a server that knows these tokens. */
export function createAccessControl(tokens: readonly ApiToken[]): AccessControl {
  // Each decision about a known token is made once, because every RPC asks for one.
  const known = tokens.map((token) => ({
    ...token,
    allowed: { refusal: undefined, caller: token.name },
    refused: { refusal: 'role_not_allowed', caller: token.name } as const,
  }));
  return (path, authorization) => {
    if (isOpenToAll(path)) return ALLOWED;
    if (authorization === undefined) return NO_TOKEN;
    const bearer = BEARER.exec(authorization)?.[1];
    const token = bearer === undefined ? undefined : findToken(known, hashToken(bearer));
    if (token === undefined) return UNKNOWN_TOKEN;
    return mayCall(token.role, path) ? token.allowed : token.refused;
  };
}
