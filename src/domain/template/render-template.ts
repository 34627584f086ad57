import { isWellFormed, type CompiledPlaceholder, type CompiledTemplate } from './escape.ts';
import { isLargerThan, type JsonValue } from '../json.ts';
import type { PlaceholderValues } from './placeholder-values.ts';

/** One rendering of a request, and what it has found so far. */
export interface RenderState {
  readonly values: PlaceholderValues;
  /** Says whether secrets are written as masks. */
  readonly masked: boolean;
  /** Names of missing variables, each once, in order of use. */
  readonly missing: string[];
  /** The first reason why the request can't be sent. It never holds a value. */
  problem: string | undefined;
}

/** Begins a rendering. */
export function startRendering(values: PlaceholderValues, masked: boolean): RenderState {
  return { values, masked, missing: [], problem: undefined };
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
