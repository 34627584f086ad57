/** How a client proves itself to a token endpoint (RFC 6749, 2.3.1): in the `authorization` header, or in the form. */
export type ClientAuthMethod = 'basic' | 'post';

/** The credentials of an OAuth2 client in plain text, and what its access token is for. */
export interface ClientCredentials {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  /** It is left out of the request where it is empty. */
  readonly audience: string;
  readonly clientAuthMethod: ClientAuthMethod;
}

/** The request for an access token. Header names are in lower case. */
export interface TokenRequest {
  readonly method: 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Returns the request for an access token by the client credentials grant (RFC 6749, 4.4.2). */
export function toTokenRequest(credentials: ClientCredentials, userAgent: string): TokenRequest {
  const { tokenUrl, clientId, clientSecret, scopes, audience, clientAuthMethod } = credentials;
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  if (audience !== '') form.set('audience', audience);
  const headers: Record<string, string> = {
    'user-agent': userAgent,
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  };
  if (clientAuthMethod === 'basic') {
    headers['authorization'] = basicHeader(clientId, clientSecret);
  } else {
    form.set('client_id', clientId);
    form.set('client_secret', clientSecret);
  }
  return { method: 'POST', url: tokenUrl, headers, body: form.toString() };
}

// RFC 6749, 2.3.1: both are encoded as in a form first, so that a colon in the id does not end it.
function basicHeader(clientId: string, clientSecret: string): string {
  const pair = `${formEncode(clientId)}:${formEncode(clientSecret)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice('='.length);
}
