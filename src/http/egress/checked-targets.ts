import type { EgressPolicy } from './egress-policy.ts';
import { parseTargetUrl, type BadUrl, type TargetUrl } from './target-url.ts';

/** Where a URL leads, or why no request may go there. */
export type JudgedTarget = TargetUrl | BadUrl;

const MAX_KEPT = 1_000;
const MAX_KEPT_URL_CHARS = 1_024;

/**
 * Returns a function that parses and judges URLs and keeps the answers of at most 1,000 of them. An answer
 * depends on the text alone, so it stays true. The addresses of a name are resolved and judged again for every dial.
 */
export function createJudgedTargets(policy: EgressPolicy): (url: string) => JudgedTarget {
  const kept = new Map<string, JudgedTarget>();
  return (url) => {
    const known = kept.get(url);
    if (known !== undefined) return known;
    const judged = judge(policy, url);
    if (kept.size >= MAX_KEPT) kept.clear();
    if (url.length <= MAX_KEPT_URL_CHARS) kept.set(url, judged);
    return judged;
  };
}

function judge(policy: EgressPolicy, url: string): JudgedTarget {
  const problem = policy.judgeUrl(url);
  return problem === undefined ? parseTargetUrl(url) : { problem };
}
