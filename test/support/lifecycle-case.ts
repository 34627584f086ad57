/** Describes a case of test/vectors/lifecycle*.json. The "about" of such a file explains the keys. */
export interface LifecycleCase {
  readonly name: string;
  readonly endpoint?: { readonly delay_ms?: number; readonly status?: number };
  readonly failure_policy?: 'PROCEED' | 'BLOCK';
  readonly timeout_secs?: number;
  readonly webhooks?: readonly Kind[];
  readonly disabled?: readonly Kind[];
  readonly steps: readonly Step[];
  readonly requests?: Partial<Record<Kind, number>>;
  readonly order?: readonly Kind[];
  readonly post_body_has_assigned_variables?: boolean;
  readonly post_body_has?: Readonly<Record<string, unknown>>;
}

/** Names a webhook of the case by its type. */
export type Kind = 'pre' | 'post';

/** Says in which parts a call differs from the usual one of the case. */
export interface CallChange {
  readonly agent?: 'other' | 'unknown';
  readonly cancel_after_ms?: number;
  readonly deadline_ms?: number;
  readonly dynamic_variables?: Record<string, unknown>;
  readonly caller_phone?: string;
}

/** Describes what a case does next, and the outcome that it expects. */
export interface Step {
  readonly start?: CallChange;
  readonly end?: CallChange;
  readonly start_in_background?: CallChange;
  readonly parallel?: readonly { readonly start: CallChange }[];
  readonly expect_same_reply_but_replayed?: boolean;
  readonly set?: {
    readonly failure_policy?: 'PROCEED' | 'BLOCK';
    readonly disabled?: Partial<Record<Kind, boolean>>;
  };
  readonly delete_webhook?: Kind;
  readonly delete_agent?: boolean;
  readonly settled?: { readonly post?: string; readonly failure?: string };
  readonly start_from_endpoint_with_header?: string;
  readonly start_from_endpoint_with_baggage?: boolean;
  readonly start_later_with_baggage?: boolean;
  readonly expect?: Expectation;
}

/** Lists the parts of an outcome that a case checks. */
export interface Expectation {
  readonly status?: string;
  readonly reason?: string;
  readonly decision?: 'PROCEED' | 'BLOCK';
  readonly degraded?: boolean;
  readonly replayed?: boolean;
  readonly state?: string;
  readonly failure?: string;
  readonly time_limit_source?: string;
  readonly execution?: null;
  readonly dynamic_variables?: Readonly<Record<string, unknown>>;
}
