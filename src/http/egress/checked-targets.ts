import type { EgressPolicy } from './egress-policy.ts';
import { parseTargetUrl, type BadUrl, type TargetUrl } from './target-url.ts';

/** Where a URL leads, or why no request may go there. */
export type CheckedTarget = TargetUrl | BadUrl;

const MAX_KEPT = 1_000;
const MAX_KEPT_URL_CHARS = 1_024;

/**
 * Returns a function that parses and checks URLs, and keeps the results of at most 1,000 of them. A result depends on the
 * URL's text alone, so it stays true. The addresses of a name are resolved and checked again for every dial.
 */
export function createCheckedTargets(policy: EgressPolicy): (url: string) => CheckedTarget {
  const kept = new Map<string, CheckedTarget>();
  return (url) => {
    const known = kept.get(url);
    if (known !== undefined) return known;
    const checked = check(policy, url);
    if (kept.size >= MAX_KEPT) kept.clear();
    if (url.length <= MAX_KEPT_URL_CHARS) kept.set(url, checked);
    return checked;
  };
}

function check(policy: EgressPolicy, url: string): CheckedTarget {
  const problem = policy.checkUrl(url);
  return problem === undefined ? parseTargetUrl(url) : { problem };
}
