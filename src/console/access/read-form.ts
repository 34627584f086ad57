import type { Context } from 'hono';
import type { ConsoleEnv } from '../viewer.ts';

/** The most bytes of a form of a page. The largest field is a pasted `webhook_config`. */
const MAX_FORM_BYTES = 512 * 1024;
/** The most bytes of the form of the login, which everybody may send. */
const MAX_LOGIN_BYTES = 16 * 1024;
/** How many forms of the login may arrive at once. Pages for those who are logged in have the other requests. */
const MAX_LOGINS = 16;
/** Node.js took 1.6 s for the 262,144 empty fields that have room in a form. */
const MAX_FIELDS = 100;

/** Why a form is not read, as an HTTP status with what the page says. */
export interface FormRefusal {
  readonly status: 400 | 413 | 415 | 503;
  readonly text: string;
}

const NO_FORM: FormRefusal = {
  status: 415,
  text: 'The request has no form (application/x-www-form-urlencoded).',
};
const CUT_OFF: FormRefusal = { status: 400, text: 'The form did not arrive in whole.' };
const BUSY: FormRefusal = { status: 503, text: 'Too many logins arrive at once. Try again.' };
const TOO_MANY: FormRefusal = { status: 400, text: `The form has more than ${MAX_FIELDS} fields.` };

/** Reads the forms of a server. */
export interface FormReader {
  /** Reads the form of a page. */
  ofPage(c: Context<ConsoleEnv>): Promise<URLSearchParams | FormRefusal>;
  /** Reads the form of the login, of strangers too. */
  ofLogin(c: Context<ConsoleEnv>): Promise<URLSearchParams | FormRefusal>;
}

/** Makes the reader. What is too large is refused by its announced length, and otherwise as soon as it is known. */
export function createFormReader(): FormReader {
  let logins = 0;
  return {
    ofPage: (c) => readForm(c, MAX_FORM_BYTES),
    ofLogin: async (c) => {
      if (logins >= MAX_LOGINS) return BUSY;
      logins += 1;
      try {
        return await readForm(c, MAX_LOGIN_BYTES);
      } finally {
        logins -= 1;
      }
    },
  };
}

async function readForm(c: Context<ConsoleEnv>, maxBytes: number): Promise<URLSearchParams | FormRefusal> {
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') return NO_FORM;
  if (Number(c.req.header('content-length') ?? 0) > maxBytes) return tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // A stream that is destroyed takes its connection with it, and then nobody reads the answer.
    for await (const chunk of c.env.incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) return tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch {
    return CUT_OFF;
  }
  const form = Buffer.concat(chunks).toString('utf8');
  return hasManyFields(form) ? TOO_MANY : new URLSearchParams(form);
}

function tooLarge(maxBytes: number): FormRefusal {
  return { status: 413, text: `The form has more than ${maxBytes / 1024} KiB.` };
}

function hasManyFields(form: string): boolean {
  let fields = 1;
  for (let at = form.indexOf('&'); at >= 0 && fields <= MAX_FIELDS; at = form.indexOf('&', at + 1))
    fields += 1;
  return fields > MAX_FIELDS;
}
