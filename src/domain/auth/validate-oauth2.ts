import { violationsOf, type Violation } from '../../errors.ts';
import { MAX_AUDIENCE_BYTES, MAX_SCOPE_BYTES, MAX_SCOPES } from '../limits.ts';
import { itemPath } from '../validation/field-path.ts';
import type { KnownNames } from '../validation/validate-placeholders.ts';
import { urlViolations } from '../validation/validate-url.ts';
import { hasControl } from './credential-text.ts';
import type { OAuth2Auth } from './endpoint-auth.ts';

/** The names that placeholders may use, and the egress policy, which is asked about the token endpoint. */
export interface AuthContext extends KnownNames {
  readonly checkUrl?: ((url: string) => string | undefined) | undefined;
}

/** Returns the violations of an OAuth2 client, except those of its id and secret as templates. */
export function oauth2Violations(method: OAuth2Auth, field: string, context: AuthContext): Violation[] {
  const { tokenUrl, clientId, clientSecret, scopes, audience, clientAuthMethod } = method;
  return [
    ...tokenUrlViolations(tokenUrl, `${field}.token_url`, context),
    ...violationsOf(`${field}.client_id`, clientId === '' ? 'is required' : undefined),
    ...violationsOf(`${field}.client_secret`, clientSecret === '' ? 'is required' : undefined),
    ...scopeViolations(scopes, `${field}.scopes`),
    ...violationsOf(`${field}.audience`, audienceProblem(audience)),
    ...violationsOf(
      `${field}.client_auth_method`,
      clientAuthMethod === 'unknown'
        ? 'must be CLIENT_AUTH_METHOD_BASIC or CLIENT_AUTH_METHOD_POST'
        : undefined,
    ),
  ];
}

function tokenUrlViolations(tokenUrl: string, field: string, context: AuthContext): Violation[] {
  return tokenUrl.includes('{{')
    ? violationsOf(field, NO_PLACEHOLDERS)
    : urlViolations(tokenUrl, field, context, context.checkUrl);
}

const NO_PLACEHOLDERS = 'takes no placeholders';

function scopeViolations(scopes: readonly string[], field: string): Violation[] {
  if (scopes.length > MAX_SCOPES) return violationsOf(field, `must not have more than ${MAX_SCOPES} scopes`);
  return scopes.flatMap((scope, i) => violationsOf(itemPath(field, i), scopeProblem(scope)));
}

// RFC 6749, 3.3.
const SCOPE = /^[!#-[\]-~]+$/;

function scopeProblem(scope: string): string | undefined {
  if (scope === '') return 'must not be empty';
  if (Buffer.byteLength(scope) > MAX_SCOPE_BYTES) return `must not be larger than ${MAX_SCOPE_BYTES} bytes`;
  if (scope.includes('{{')) return NO_PLACEHOLDERS;
  if (/\s/.test(scope))
    return 'must be one scope without blanks: further scopes are further items of the list';
  return SCOPE.test(scope)
    ? undefined
    : 'must be visible ASCII characters without quotes and backslashes (RFC 6749, 3.3)';
}

function audienceProblem(audience: string): string | undefined {
  if (Buffer.byteLength(audience) > MAX_AUDIENCE_BYTES)
    return `must not be larger than ${MAX_AUDIENCE_BYTES} bytes`;
  if (audience.includes('{{')) return NO_PLACEHOLDERS;
  return hasControl(audience) || !audience.isWellFormed() ? 'must not hold control characters' : undefined;
}
