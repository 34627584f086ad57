import type { JsonValue } from '../json.ts';

/** Says by which responses the endpoint of a pre-call webhook rejects a call. An empty text stands for no attribute. */
export interface RejectionRule {
  /** The 4xx statuses that reject a call. */
  readonly httpStatuses: readonly number[];
  /** The attribute of a 2xx response that is compared with `equals`. */
  readonly attributeName: string;
  readonly equals: readonly JsonValue[];
  /** The attribute that says why the call is rejected. */
  readonly reasonAttributeName: string;
}
