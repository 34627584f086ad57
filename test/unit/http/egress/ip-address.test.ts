import { expect } from 'chai';
import fc from 'fast-check';
import { contains, formatIp, parseCidr, parseIp } from '../../../../src/http/egress/ip-address.ts';

describe('an IP address', () => {
  it('is the same after it was formatted and parsed', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ minLength: 4, maxLength: 4 }),
          fc.uint8Array({ minLength: 16, maxLength: 16 }),
        ),
        (bytes) => {
          expect(Array.from(parseIp(formatIp(bytes)) ?? [])).to.deep.equal(Array.from(bytes));
        },
      ),
    );
  });

  it('lies in a block exactly when its first bits are those of the block', () => {
    const bits = (bytes: Uint8Array) =>
      Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
    const four = fc.uint8Array({ minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(four, four, fc.integer({ min: 0, max: 32 }), (block, address, prefix) => {
        const mixed = Uint8Array.from(block, (byte, index) =>
          index * 8 < prefix - 8 ? byte : (address[index] ?? 0),
        );
        for (const candidate of [address, mixed, block]) {
          expect(contains({ bytes: block, prefix }, candidate)).to.equal(
            bits(candidate).startsWith(bits(block).slice(0, prefix)),
          );
        }
      }),
    );
  });

  it('lies in no block of the other family', () => {
    const everything = parseCidr('::/0');
    expect(everything && contains(everything, Uint8Array.of(1, 2, 3, 4))).to.equal(false);
  });
});
