import { OnCallStartResponse } from '../../src/gen/index.callhooks.v1.ts';
import type { CallContext } from '../../src/grpc/call-context.ts';

/** Is the reply of `holdCalls`. */
export const REPLY = OnCallStartResponse.fromPartial({ replayed: true });

/** Returns a handler of OnCallStart that answers after `release`, and the contexts of its calls. */
export function holdCalls() {
  const contexts: CallContext[] = [];
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const onCallStart = async (_: unknown, context: CallContext) => {
    contexts.push(context);
    await released;
    return REPLY;
  };
  return { contexts, release, onCallStart };
}
