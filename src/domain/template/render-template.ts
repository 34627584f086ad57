import type { Prepared, Slot } from './prepared.ts';
import type { PlaceholderValues } from './placeholder-values.ts';
import { isWellFormed } from './escape.ts';

/** One walk over a compiled request: what it has found so far. */
export interface RenderPass {
  readonly scope: PlaceholderValues;
  /** Secrets are written as masks. */
  readonly masked: boolean;
  /** Names of missing variables, each once, in order of use. */
  readonly missing: string[];
  /** The first thing that can't be sent; never holds a value. */
  problem: string | undefined;
}

/** Begins a walk. */
export function createPass(scope: PlaceholderValues, masked: boolean): RenderPass {
  return {
    scope,
    masked,
    missing: [],
    problem: undefined,
  };
}

function writeSlot(pass: RenderPass, slot: Slot, place: string): string {
  const { found, value, secret } = pass.scope.resolve(slot.placeholder);
  const name = slot.placeholder.text;
  if (!found && !pass.missing.includes(name)) pass.missing.push(name);
  if (secret && found && pass.masked) return slot.masked;
  if (isWellFormed(value)) return slot.spell(value);
  pass.problem ??= `${place}: the value of ${name} has a lone surrogate`;
  return '';
}

/**
 * Writes prepared parts with the values of the pass. `place` and `maxBytes` (of UTF-8) are for the problem that is
 * noted when it grows too large; it stops early then, before many large values take the memory.
 */
export function write(pass: RenderPass, parts: Prepared, place: string, maxBytes: number): string {
  let text = '';
  for (const part of parts) {
    text += typeof part === 'string' ? part : writeSlot(pass, part, place);
    if (text.length > maxBytes) break;
  }
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) {
    pass.problem ??= `${place} is larger than ${maxBytes} bytes`;
  }
  return text;
}
