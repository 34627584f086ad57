import { timingSafeEqual } from 'node:crypto';
import type { TextSeal } from '../../secrets/text-seal.ts';

/** The tokens in the forms of pages. A page of somebody else knows none that fits the cookie of a browser. */
export interface FormTokens {
  /** Returns a token for the forms of a browser. `owner` is its session, or its form cookie when it has none. */
  make(owner: string): string;
  /** Reports whether a token was made for this owner. */
  isFor(token: string, owner: string): boolean;
}

/** Makes the tokens with the keys of this process, so that each replica knows those of the others. */
export function createFormTokens(seal: TextSeal): FormTokens {
  return {
    make: (owner) => seal.seal(owner, 'console form'),
    isFor: (token, owner) => isSame(seal.open(token, 'console form') ?? '', owner),
  };
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
