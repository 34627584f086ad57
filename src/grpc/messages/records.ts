import type { HttpHeader, RecordedBody, RequestRecord, ResponseRecord } from '../../domain/execution.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';

/** Returns a recorded request. It was masked before it was recorded. */
export function requestRecordMessage(record: RequestRecord): pb.RequestRecord {
  return {
    method: record.method,
    url: record.url,
    headers: record.headers.map(headerMessage),
    ...bodyFields(record),
  };
}

/** Returns a recorded response. It was masked before it was recorded. */
export function responseRecordMessage(record: ResponseRecord): pb.ResponseRecord {
  return {
    status: record.status,
    headers: record.headers.map(headerMessage),
    ...bodyFields(record),
  };
}

function headerMessage({ name, value }: HttpHeader): pb.HttpHeader {
  return { name, value };
}

function bodyFields(record: RecordedBody) {
  return {
    body: record.body,
    bodyBinary: record.bodyBinary,
    bodySize: BigInt(record.bodyBytes),
    truncated: record.truncated,
  };
}
