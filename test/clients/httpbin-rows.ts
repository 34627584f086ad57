import { ASSIGNMENTS, AUTHENTICATION, CODINGS, NO_JSON, SIZES } from './httpbin-body-rows.ts';
import type { Row } from './httpbin-row.ts';
import { POST_CALLS, REDIRECTS, STATUSES, TIMES } from './httpbin-status-rows.ts';

/** The behaviours of go-httpbin that a webhook may meet, by group. */
export const ROWS: Readonly<Record<string, readonly Row[]>> = {
  'status codes': STATUSES,
  times: TIMES,
  redirects: REDIRECTS,
  'content codings': CODINGS,
  sizes: SIZES,
  'bodies at the edge of JSON': NO_JSON,
  'requests and assignments': ASSIGNMENTS,
  authentication: AUTHENTICATION,
  'after the call': POST_CALLS,
};
