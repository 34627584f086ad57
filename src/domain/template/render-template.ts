import type { ClientCredentials } from '../auth/token-request.ts';
import type { CompiledPlaceholder, CompiledTemplate } from './compile-template.ts';
import { isWellFormed } from './escape.ts';
import { isLargerThan, lookUp, type JsonObject, type JsonValue } from '../json.ts';
import type { Placeholder } from './template.ts';
import type { WebhookType } from '../agent.ts';
import type { CallDetails } from '../call.ts';

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

/** One rendering of a request, and what it has found so far. */
export interface RenderState {
  readonly values: PlaceholderValues;
  /** Says whether secrets are written as masks. */
  readonly masked: boolean;
  /** Names of missing variables, each once, in order of use. */
  readonly missing: string[];
  /** The first reason why the request can't be sent. It never holds a value. */
  problem: string | undefined;
  /** The OAuth2 client that gets the token of the `authorization` header, if the webhook has one. */
  client: ClientCredentials | undefined;
}

/** Begins a rendering. */
export function startRendering(values: PlaceholderValues, masked: boolean): RenderState {
  return { values, masked, missing: [], problem: undefined, client: undefined };
}

function renderPlaceholder(
  state: RenderState,
  compiled: CompiledPlaceholder,
  place: string,
  maxBytes: number,
): string {
  const { found, value, secret } = state.values.resolve(compiled.placeholder);
  const name = compiled.placeholder.text;
  if (!found && !state.missing.includes(name)) state.missing.push(name);
  if (secret && found && state.masked) return compiled.masked;
  if (isLargerThanPlace(value, maxBytes)) {
    state.problem ??= tooLarge(place, maxBytes);
    return '';
  }
  if (isWellFormed(value)) return compiled.escape(value);
  state.problem ??= `${place}: the value of ${name} has a lone surrogate`;
  return '';
}

// A value that can't fit is not written: three megabytes would be escaped for a URL of 4 KiB. Bodies have room for nearly
// every value, so that a look would cost more than it saves.
const MAX_CHECKED_BYTES = 8 * 1024;

function isLargerThanPlace(value: JsonValue, maxBytes: number): boolean {
  if (typeof value === 'string') return value.length > maxBytes;
  return (
    typeof value === 'object' &&
    value !== null &&
    maxBytes <= MAX_CHECKED_BYTES &&
    isLargerThan(value, maxBytes)
  );
}

function tooLarge(place: string, maxBytes: number): string {
  return `${place} is larger than ${maxBytes} bytes`;
}

/**
 * Renders one template with the values of the call. Where the text grows beyond `maxBytes` of UTF-8 it notes a problem,
 * which names `place`, and stops early, before many large values take the memory and the time.
 */
export function renderTemplate(
  state: RenderState,
  template: CompiledTemplate,
  place: string,
  maxBytes: number,
): string {
  let text = '';
  for (const part of template) {
    text += typeof part === 'string' ? part : renderPlaceholder(state, part, place, maxBytes);
    if (text.length > maxBytes) break;
  }
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) {
    state.problem ??= tooLarge(place, maxBytes);
  }
  return text;
}
