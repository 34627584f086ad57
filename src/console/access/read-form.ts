import type { Context } from 'hono';
import type { ConsoleEnv } from '../viewer.ts';

/** The most bytes of a form. The largest field is a pasted `webhook_config`. */
const MAX_FORM_BYTES = 512 * 1024;

/** Why a form is not read, as an HTTP status with what the page says. */
export interface FormRefusal {
  readonly status: 400 | 413 | 415;
  readonly text: string;
}

const TOO_LARGE: FormRefusal = { status: 413, text: 'The form has more than 512 KiB.' };
const NO_FORM: FormRefusal = {
  status: 415,
  text: 'The request has no form (application/x-www-form-urlencoded).',
};
const CUT_OFF: FormRefusal = { status: 400, text: 'The form did not arrive in whole.' };

/** Reads the form of a POST. What is too large is refused by its announced length, and otherwise as soon as it is known. */
export async function readForm(c: Context<ConsoleEnv>): Promise<URLSearchParams | FormRefusal> {
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') return NO_FORM;
  if (Number(c.req.header('content-length') ?? 0) > MAX_FORM_BYTES) return TOO_LARGE;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // A stream that is destroyed takes its connection with it, and then nobody reads the answer.
    for await (const chunk of c.env.incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_FORM_BYTES) return TOO_LARGE;
      chunks.push(chunk);
    }
  } catch {
    return CUT_OFF;
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
