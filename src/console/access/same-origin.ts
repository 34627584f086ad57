/** The headers that say where a request comes from. */
interface Origins {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** The header `sec-fetch-site` (Fetch Metadata). Browsers send it over https and to loopback only. */
  readonly site: string | undefined;
}

/**
 * Reports whether no page of somebody else made a request. A page can't write these headers. A request without them passes,
 * because its form token is checked too.
 */
export function comesFromHere({ host, origin, site }: Origins): boolean {
  // `none` is an address that a person typed, or a bookmark. A proxy may change the host, so the origin is not compared then.
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  // Pages without a referrer send `null` (Fetch, 3.1), and so do these.
  if (origin === undefined || origin === 'null') return true;
  return hostOf(origin) === host?.toLowerCase();
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
