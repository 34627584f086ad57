import { CallhooksError } from '../../errors.ts';

export { agentNotFound } from '../calls/lifecycle-refusals.ts';

/** The answer for a webhook that is not there, or not this agent's. */
export const webhookNotFound = (webhookUuid: string): CallhooksError =>
  new CallhooksError('WEBHOOK_NOT_FOUND', `there is no webhook ${webhookUuid}`, {
    resource: { type: 'webhook', name: webhookUuid },
  });

/**
 * Holds a write to the revision that its writer has seen. An empty `expected` checks nothing.
 * @throws CallhooksError ETAG_MISMATCH
 */
export const refuseStaleEtag = (expected: string, stored: { readonly etag: string }): void => {
  if (expected === '' || expected === stored.etag) return;
  throw new CallhooksError('ETAG_MISMATCH', 'it was changed by somebody else: read it again and repeat');
};
