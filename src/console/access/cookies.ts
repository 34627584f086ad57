/** Holds the names of the cookies. Cookies know no port, so the names must not meet those of others at `localhost`. */
export const COOKIES = { session: 'callhooks_session', form: 'callhooks_form' } as const;

type CookieName = (typeof COOKIES)[keyof typeof COOKIES];

/** More cookies of one name than these are not looked at. */
const MAX_REPEATS = 4;

/** Returns the values of the cookies with a name, from the header `cookie` of a request. A browser may send several. */
export function readCookies(header: string | undefined, name: CookieName): readonly string[] {
  if (header === undefined) return [];
  const start = `${name}=`;
  return header
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie.startsWith(start))
    .slice(0, MAX_REPEATS)
    .map((cookie) => cookie.slice(start.length));
}

/** Returns the value of a header `set-cookie`. `maxAgeSecs` 0 removes the cookie, and without it the browser's end does. */
export function writeCookie(
  name: CookieName,
  value: string,
  { isSecure, maxAgeSecs }: { readonly isSecure: boolean; readonly maxAgeSecs?: number },
): string {
  const parts = [`${name}=${value}`, 'HttpOnly', 'SameSite=Strict', 'Path=/console'];
  if (maxAgeSecs !== undefined) parts.push(`Max-Age=${maxAgeSecs}`);
  if (isSecure) parts.push('Secure');
  return parts.join('; ');
}
