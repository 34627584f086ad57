import { expect } from 'chai';
import { createKeyring, type Keyring } from '../../../src/secrets/keyring.ts';
import { rotateKeys } from '../../../src/secrets/rotate-keys.ts';
import type { PlacedValue, StoredPlace } from '../../../src/store/encryption-key-store.ts';
import { memorySealedStore } from '../../support/memory-sealed-store.ts';

const key = (id: string, fill: number) => ({ id, bytes: Buffer.alloc(32, fill) });
const [OLD, NEW] = [key('old', 1), key('new', 2)];
const keyring = createKeyring([NEW, OLD]);

const secret = (rowId: string, field: string): StoredPlace => ({ table: 'agent_secrets', rowId, field });

function sealedBy(
  sealing: Keyring,
  count: number,
  table: StoredPlace['table'] = 'agent_secrets',
): PlacedValue[] {
  return Array.from({ length: count }, (_, at) => {
    const place: StoredPlace = { table, rowId: `row-${String(at).padStart(4, '0')}`, field: 'name' };
    return { place, value: sealing.seal(`value ${at}`, place) };
  });
}

const opened = (values: readonly PlacedValue[]) =>
  values.map(({ place, value }) => createKeyring([NEW]).open(value, place));

describe('rotateKeys', () => {
  it('seals the values of every other key anew, in both tables and over several batches', async () => {
    const old = createKeyring([OLD]);
    const sealed = memorySealedStore([], [...sealedBy(old, 250), ...sealedBy(old, 7, 'webhook_headers')]);
    const rotation = await rotateKeys(keyring, sealed);
    expect(rotation).to.deep.equal({ keyId: 'new', resealed: 257, total: 257, problems: [] });
    expect(opened(sealed.values)).to.include.members(['value 0', 'value 249', 'value 6']);
  });

  it('changes nothing when the first key encrypts all values', async () => {
    const sealed = memorySealedStore([], sealedBy(keyring, 3));
    const before = [...sealed.values];
    expect(await rotateKeys(keyring, sealed)).to.include({ resealed: 0, total: 3 });
    expect(sealed.values).to.deep.equal(before);
  });

  it('leaves a value alone that was written meanwhile', async () => {
    const sealed = memorySealedStore([], sealedBy(createKeyring([OLD]), 1));
    const place = (sealed.values[0] as PlacedValue).place;
    const rotation = await rotateKeys(keyring, {
      ...sealed,
      replaceSealed: async (values) => {
        sealed.values[0] = { place, value: keyring.seal('written meanwhile', place) };
        return sealed.replaceSealed(values);
      },
    });
    expect(rotation).to.deep.equal({ keyId: 'new', resealed: 0, total: 1, problems: [] });
    expect(opened(sealed.values)).to.deep.equal(['written meanwhile']);
  });

  it('names two values that were swapped, and seals the others anew', async () => {
    const values = sealedBy(createKeyring([OLD]), 150);
    const [one, two] = values as [PlacedValue, PlacedValue];
    values[0] = { place: one.place, value: two.value };
    values[1] = { place: two.place, value: one.value };
    const { resealed, problems } = await rotateKeys(keyring, memorySealedStore([], values));
    expect(resealed).to.equal(148);
    expect(problems).to.deep.equal(
      ['row-0000', 'row-0001'].map(
        (row) =>
          `the secret name of agent ${row} does not open: it was damaged or moved in the database, so write its value again`,
      ),
    );
  });

  it('says so when a replica with another first key has written a value meanwhile', async () => {
    const sealed = memorySealedStore([], sealedBy(createKeyring([OLD]), 1));
    const late = secret('late', 'A');
    const rotation = await rotateKeys(keyring, {
      ...sealed,
      replaceSealed: async (values) => {
        sealed.values.push({ place: late, value: createKeyring([OLD]).seal('x', late) });
        return sealed.replaceSealed(values);
      },
    });
    expect(rotation.resealed).to.equal(1);
    expect(rotation.problems.join()).to.match(
      /^1 values were encrypted with old meanwhile: .*Move new first/,
    );
  });

  it('throws KEY_UNAVAILABLE for a value of a key that it lacks', async () => {
    const sealed = memorySealedStore([], sealedBy(createKeyring([OLD]), 1));
    const error: unknown = await rotateKeys(createKeyring([NEW]), sealed).catch((thrown: unknown) => thrown);
    expect(error).to.have.property('reason', 'KEY_UNAVAILABLE');
  });
});
