import type { JsonValue } from './types.ts';

/** Whether two JSON values are the same; the order of keys does not matter. Recurses: check their depth first. */
export const sameJson = (one: JsonValue | undefined, other: JsonValue | undefined): boolean => {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => sameMember(one, other, name));
};

const sameMember = (one: object, other: object, name: string): boolean =>
  Object.hasOwn(other, name) &&
  sameJson((one as Record<string, JsonValue>)[name], (other as Record<string, JsonValue>)[name]);
