import { CallhooksError, REASONS, type StatusName } from '../../errors.ts';

/** A status of HTTP that says how a request was refused. */
type RefusalStatus = 400 | 401 | 403 | 404 | 409 | 503 | 504;

const STATUSES: Readonly<Record<StatusName, RefusalStatus>> = {
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  FAILED_PRECONDITION: 409,
  ABORTED: 409,
  RESOURCE_EXHAUSTED: 503,
  UNAVAILABLE: 503,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  DEADLINE_EXCEEDED: 504,
};

/** What a page answers to a refusal: the status, and after how many whole seconds the request may be repeated. */
export interface RefusalAnswer {
  readonly status: RefusalStatus;
  readonly title: string;
  readonly retryAfterSecs: number | undefined;
}

/** Returns how a page answers a refusal. */
export function answerOfRefusal({ reason, details }: CallhooksError): RefusalAnswer {
  const status = STATUSES[REASONS[reason]];
  const { retryAfterMs } = details;
  const retryAfterSecs = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000);
  return { status, retryAfterSecs, title: TITLES[status] };
}

const TITLES: Readonly<Record<RefusalStatus, string>> = {
  400: 'That request breaks a rule',
  401: 'Please log in',
  403: 'Your role does not include this',
  404: 'Not found',
  409: 'That did not fit to what is stored',
  503: 'Not now',
  504: 'That took too long',
};

/** The rules that the fields of a request break, by the names of the fields. */
interface Problems {
  readonly problems: ReadonlyMap<string, string>;
}

/**
 * Returns the reply, or the rules that the request breaks, so that a form can show them at its fields.
 * @throws what the call throws for any other reason
 */
export async function orProblems<Reply extends object>(reply: Promise<Reply>): Promise<Reply | Problems> {
  try {
    return await reply;
  } catch (error) {
    if (!(error instanceof CallhooksError) || error.reason !== 'VALIDATION_FAILED') throw error;
    const { violations = [] } = error.details;
    return { problems: new Map(violations.map(({ field, description }) => [field, description])) };
  }
}
