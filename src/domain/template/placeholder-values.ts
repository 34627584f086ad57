import { lookUp } from '../json.ts';
import type { Placeholder } from './template.ts';
import type { CallDetails } from '../call.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import type { WebhookType } from '../agent.ts';

/** The value of a placeholder in one call. Where it is not found, `value` is null and the name counts as missing. */
interface Resolved {
  readonly found: boolean;
  readonly value: JsonValue;
  /** Says that the value is an agent's secret, which must never be shown. */
  readonly secret: boolean;
}

/** The values that the placeholders of one webhook run resolve to. */
export interface PlaceholderValues {
  resolve(placeholder: Placeholder): Resolved;
}

/** Everything of one call that placeholders may name. */
export interface CallValues {
  readonly webhookType: WebhookType;
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly details: CallDetails;
  /** Dynamic variables by name, as they were merged for this call. */
  readonly variables: JsonObject;
  /** Secrets by name, in plain text. */
  readonly secrets: Readonly<Record<string, string>>;
}

const MISSING_SECRET: Resolved = { found: false, value: null, secret: true };
const MISSING: Resolved = { found: false, value: null, secret: false };

/**
 * Makes the placeholder values of one call. A placeholder counts as missing when it names an empty caller_phone or
 * call_summary, an unset call_duration, or an unknown variable or secret, and when its path finds nothing. JSON null is
 * a value.
 */
export function createPlaceholderValues(call: CallValues): PlaceholderValues {
  const builtIns = builtInsOf(call);
  const { variables, secrets } = call;

  const resolveSecret = (segments: readonly string[]): Resolved => {
    const name = segments[1];
    if (segments.length !== 2 || name === undefined || !Object.hasOwn(secrets, name)) return MISSING_SECRET;
    return { found: true, value: secrets[name] as string, secret: true };
  };

  const resolve = ({ segments }: Placeholder): Resolved => {
    const root = segments[0] as string;
    if (root === 'secret') return resolveSecret(segments);
    const found = lookUp(Object.hasOwn(builtIns, root) ? builtIns : variables, segments);
    return found.found ? { found: true, value: found.value, secret: false } : MISSING;
  };
  return { resolve };
}

function builtInsOf({ webhookType, agentUuid, conversationUuid, details }: CallValues): JsonObject {
  const values: JsonObject = {
    agent_uuid: agentUuid,
    conversation_uuid: conversationUuid,
    metadata: details.metadata,
  };
  if (details.callerPhone !== '') values['caller_phone'] = details.callerPhone;
  if (webhookType === 'pre_call') return values;
  if (details.callDurationSecs !== undefined) values['call_duration'] = details.callDurationSecs;
  if (details.callSummary) values['call_summary'] = details.callSummary;
  return values;
}
