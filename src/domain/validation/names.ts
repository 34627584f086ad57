import type { WebhookType } from '../agent.ts';

/** The placeholders that stand for details of the call itself, per type. `metadata` and `secret` are roots besides. */
export const BUILT_INS: Readonly<Record<WebhookType, readonly string[]>> = {
  pre_call: ['agent_uuid', 'conversation_uuid', 'caller_phone'],
  post_call: ['agent_uuid', 'conversation_uuid', 'caller_phone', 'call_duration', 'call_summary'],
};

// First segments that are in use, or that are kept for later.
const RESERVED_ROOTS = [
  'call',
  'caller',
  'agent',
  'conversation',
  'execution',
  'webhook',
  'metadata',
  'secret',
  'system',
];

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const PROTOTYPE_NAMES = ['__proto__', 'constructor', 'prototype'];
const TAKEN = new Set([...PROTOTYPE_NAMES, ...BUILT_INS.post_call, ...RESERVED_ROOTS]);

/** Returns the rule that a name breaks as the name of a dynamic variable or a secret, or undefined for a good name. */
export function nameProblem(name: string): string | undefined {
  if (!NAME.test(name)) {
    return 'must be 1 to 64 letters, digits or "_" and must not begin with a digit';
  }
  return TAKEN.has(name) ? 'is a reserved name' : undefined;
}
