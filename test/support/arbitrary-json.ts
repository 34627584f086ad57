import fc from 'fast-check';

/** Lists texts that have broken services before: control characters, other planes, lone surrogates, code, nothing. */
const RISKY_TEXTS = [
  '',
  ' ',
  '\0',
  '\r\nx: y',
  '\u001b[31m',
  '\u2028',
  '\ufeff',
  '😀',
  '👩‍👩‍👧‍👦',
  'ﷺ',
  'é̂',
  '\ud800',
  '\udc00x',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '{{x}}',
  '\\{{',
  '{{',
  '{{secret.token}}',
  '••••••',
  "'; DROP TABLE agents; --",
  '%00',
  '%2e%2e',
  '../..',
  '$ref',
  'null',
] as const;

/** Generates any text. Now and then one is longer than every limit but that of the message. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...RISKY_TEXTS) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('x', '😀', '\0', '"', '{{x}}'), fc.constantFrom(65, 129, 257, 5_000, 70_000))
      .map(([unit, times]) => unit.repeat(times)),
  },
);

/** Generates every double that a proto can carry, and the awkward ones often. */
const anyNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.1, 5e-324, 1e21, 1e308, -1e308, 2 ** 53, 2 ** 53 + 2, 1e100),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);
const noNumber = fc.constantFrom(NaN, Infinity, -Infinity);

function nest(depth: number, isList: boolean): unknown {
  let value: unknown = 'at the bottom';
  for (let i = 0; i < depth; i += 1) value = isList ? [value] : { d: value };
  return value;
}

/** Generates values that are nested as deeply as is allowed, a little deeper, and deeper than the decoder goes. */
const deep = fc
  .tuple(fc.constantFrom(22, 23, 24, 25, 40, 60), fc.boolean())
  .map(([depth, isList]) => nest(depth, isList));

const keys: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', '1', '0', '10', 'é', '😀', 'a.b', '', 'toString') },
  { weight: 1, arbitrary: anyText.filter((key) => key.length < 5_000) },
);

function tree(leaf: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
    ),
  })).value;
}

/** Generates JSON that every limit allows. It has no lone surrogates, because gRPC can't carry them. */
export const goodJson: fc.Arbitrary<unknown> = tree(
  fc.oneof(
    anyNumber,
    anyText.filter((text) => text.length < 5_000).map((text) => text.toWellFormed()),
    fc.boolean(),
    fc.constant(null),
  ),
);

/** Generates anything that a `google.protobuf.Value` can hold. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: goodJson },
  { weight: 2, arbitrary: tree(fc.oneof(anyNumber, anyText, noNumber, fc.constant(null))) },
  { weight: 1, arbitrary: deep },
);

/** Generates anything that a `google.protobuf.Struct` can hold, mostly under these names. */
export function anyStruct(names: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  return fc.dictionary(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...names) }, keys), anyJson, {
    maxKeys: 5,
  });
}

/** Generates a Struct of which every name and value is allowed for a dynamic variable. */
export function goodStruct(names: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  return fc.dictionary(fc.constantFrom(...names), goodJson, { maxKeys: 5 });
}
