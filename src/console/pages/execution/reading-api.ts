import { statusOfRefusal, type ReadingApi } from '../../../explain/read-conversation.ts';
import type { ViewerApi } from '../../viewer.ts';

/** Returns what reads executions for a viewer. */
export function readingApi(api: ViewerApi): ReadingApi {
  return { call: (method, request) => api.call(method, request), statusOf: statusOfRefusal };
}
