import { CallhooksError } from '../errors.ts';
import { UnsealError, type Keyring, type SealPlace } from './keyring.ts';

/** What a sealed text is for. A text that was sealed for one purpose does not open for another one. */
export type SealPurpose = 'console session' | 'console form';

/** Seals texts that clients carry for callhooks, such as cookies. Every replica with the same keys opens them. */
export interface TextSeal {
  /** Returns a text of `A-Z a-z 0-9 - _ .`. Without the keys, nobody can read it or make another one that opens. */
  seal(plain: string, purpose: SealPurpose): string;
  /** Returns what was sealed, or undefined when the text was not sealed for this purpose by a key of this process. */
  open(sealed: string, purpose: SealPurpose): string | undefined;
}

/** The id of the key, a dot, and the encrypted bytes. The longest text that is sealed is far below this limit. */
const SEALED = /^([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{38,1000})$/;

/** Makes the seal. Texts outlive a change of the keys for as long as the old key stays in the settings. */
export function createTextSeal(keyring: Keyring): TextSeal {
  return {
    seal: (plain, purpose) => {
      const { keyId, sealed } = keyring.seal(plain, placeOf(purpose));
      return `${keyId}.${Buffer.from(sealed, 'base64').toString('base64url')}`;
    },
    open: (sealed, purpose) => {
      const [, keyId = '', bytes = ''] = SEALED.exec(sealed) ?? [];
      if (!keyring.has(keyId)) return undefined;
      try {
        const base64 = Buffer.from(bytes, 'base64url').toString('base64');
        return keyring.open({ keyId, sealed: base64 }, placeOf(purpose));
      } catch (error) {
        if (error instanceof UnsealError || error instanceof CallhooksError) return undefined;
        throw error;
      }
    },
  };
}

// No value of the database has this table, so that neither opens in the place of the other.
function placeOf(purpose: SealPurpose): SealPlace {
  return { table: 'clients', rowId: purpose, field: 'text' };
}
