import type { HttpHeader, RecordedBody, RequestRecord, ResponseRecord } from '../../domain/execution.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';

/** A recorded request; it was masked before it was recorded. */
export const requestRecordMessage = (record: RequestRecord): pb.RequestRecord => ({
  method: record.method,
  url: record.url,
  headers: record.headers.map(headerMessage),
  ...bodyFields(record),
});

/** A recorded response; it was masked before it was recorded. */
export const responseRecordMessage = (record: ResponseRecord): pb.ResponseRecord => ({
  status: record.status,
  headers: record.headers.map(headerMessage),
  ...bodyFields(record),
});

const headerMessage = ({ name, value }: HttpHeader): pb.HttpHeader => ({ name, value });

const bodyFields = (record: RecordedBody) => ({
  body: record.body,
  bodyBinary: record.bodyBinary,
  bodyBytes: BigInt(record.bodyBytes),
  truncated: record.truncated,
});
