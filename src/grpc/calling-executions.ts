import type { Metadata } from '@grpc/grpc-js';

const EXECUTION_HEADER = 'callhooks-execution';
const BAGGAGE_MEMBER = 'callhooks.execution';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Each one named costs a look at the record. */
const MAX_NAMED = 8;

/**
 * The executions that a caller says it is part of, lower case, each once: from the header `callhooks-execution` and the
 * member `callhooks.execution` of W3C `baggage`. What is no UUID is ignored.
 */
export const callingExecutionUuids = (headers: Metadata): string[] => {
  const header = headers.get(EXECUTION_HEADER).flatMap((value) => String(value).split(','));
  const baggage = headers.get('baggage').flatMap((value) => String(value).split(','));
  if (header.length === 0 && baggage.length === 0) return [];
  const uuids = [...header, ...baggage.flatMap(executionOfMember)].map((value) => value.trim().toLowerCase());
  return [...new Set(uuids.filter((value) => UUID.test(value)))].slice(0, MAX_NAMED);
};

/** A member is `key=value`, perhaps with `;properties`. A UUID has no character that needs percent-encoding. */
const executionOfMember = (member: string): string[] => {
  const [pair = ''] = member.split(';');
  const [key = '', value = ''] = pair.split('=');
  return key.trim() === BAGGAGE_MEMBER ? [value] : [];
};
