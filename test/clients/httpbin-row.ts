import type { FailureCode, Sent } from '../../src/domain/failures.ts';
import type { JsonValue } from '../../src/domain/json.ts';
import type { MissReason } from '../../src/domain/execution.ts';

/** A webhook that calls go-httpbin, and its outcome. */
export interface Row {
  /** The title of the test, whose subject is the webhook. */
  readonly title: string;
  /** Holds path and query at go-httpbin. */
  readonly path: string;
  readonly type?: 'post_call';
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: JsonValue;
  /** The attribute of the response for each variable. */
  readonly assign?: Readonly<Record<string, string>>;
  readonly limitSecs?: number;
  /** The deadline of OnCallStart, in milliseconds. */
  readonly deadlineMs?: number;
  readonly expect: Expected;
}

/** The expected outcome. Fields that are absent are not compared, but for `failure`. */
export interface Expected {
  /** The webhook succeeds when this is absent. */
  readonly failure?: FailureCode;
  readonly sent?: Sent;
  readonly status?: number;
  readonly assigned?: Readonly<Record<string, JsonValue>>;
  readonly missed?: readonly MissReason[];
  readonly message?: RegExp;
  readonly body?: RegExp;
  readonly bodyBinary?: boolean;
  readonly truncated?: boolean;
  /** Recorded headers of the response. With undefined, the header must not be recorded. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly timeLimitSource?: 'CONFIG' | 'DEADLINE';
  /** By its own timings, the whole execution takes less than so many milliseconds. */
  readonly withinMs?: number;
}

/** Assignments that need the body of a response. */
export const NEEDS_BODY = { x: 'needed' };
