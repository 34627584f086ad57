import {
  ExecutionState,
  FailureCode,
  type ListExecutionsRequest,
  WebhookType,
} from '../../../gen/index.callhooks.v1.ts';
import { enumWord } from '../../../explain/words.ts';
import { parseMoment } from './moment.ts';

/** The names of the fields of the form: those of ListExecutionsRequest. */
export type FilterField =
  | 'agent_uuid'
  | 'conversation_uuid'
  | 'webhook_uuid'
  | 'webhook_type'
  | 'states'
  | 'failure_codes'
  | 'degraded'
  | 'rejected'
  | 'accepted_at_from'
  | 'accepted_at_to'
  | 'page_size'
  | 'page_token';

/** What a query string asks for. */
export interface ParsedFilter {
  readonly request: ListExecutionsRequest;
  /** The rules that fields break. */
  readonly problems: ReadonlyMap<string, string>;
  /** Returns what was typed into a field. */
  readonly typed: (field: FilterField) => string;
  /** Returns the words that were chosen in a field, as the form offers them. */
  readonly chosen: (field: FilterField) => ReadonlySet<string>;
}

const TYPES = wordsOf(WebhookType, 'WEBHOOK_TYPE_');
const STATES = wordsOf(ExecutionState, 'EXECUTION_STATE_');
const CODES = wordsOf(FailureCode, 'FAILURE_CODE_');
/** The words that a form offers. */
export const FILTER_WORDS = {
  types: Object.keys(TYPES),
  states: Object.keys(STATES),
  failureCodes: Object.keys(CODES),
} as const;

// A list may name each word once. The API has the same limit for what it is asked.
const MAX_WORDS = 40;

/** Reads the filter of a query string, whose fields have the names of ListExecutionsRequest. */
export function parseFilter(query: URLSearchParams, nowMs: number): ParsedFilter {
  const problems = new Map<string, string>();
  const typed = (field: FilterField): string => (query.get(field) ?? '').trim();
  const readWords = <Value extends number>(
    field: FilterField,
    known: Readonly<Record<string, Value>>,
  ): Value[] => {
    const texts = query.getAll(field).filter((text) => text !== '');
    const unknown = texts.find((text) => numberOf(known, field, text) === undefined);
    if (unknown !== undefined) problems.set(field, `has no value ${unknown.slice(0, 40)}`);
    return texts.slice(0, MAX_WORDS).flatMap((text) => numberOf(known, field, text) ?? []);
  };
  const flag = (field: FilterField): boolean | undefined => {
    const text = typed(field);
    if (text !== '' && text !== 'true' && text !== 'false') problems.set(field, 'must be true or false');
    return text === '' ? undefined : text === 'true';
  };
  const moment = (field: FilterField): Date | undefined => {
    const parsed = parseMoment(typed(field), nowMs);
    if (typeof parsed === 'string') problems.set(field, parsed);
    return typeof parsed === 'string' ? undefined : parsed;
  };
  const readType = (): WebhookType => {
    const [type = 0, ...more] = readWords('webhook_type', TYPES);
    if (more.length > 0) problems.set('webhook_type', 'must be one type; leave it out for both');
    return type;
  };
  const request: ListExecutionsRequest = {
    agentUuid: typed('agent_uuid'),
    conversationUuid: typed('conversation_uuid'),
    webhookUuid: typed('webhook_uuid'),
    webhookType: readType(),
    states: readWords('states', STATES),
    failureCodes: readWords('failure_codes', CODES),
    degraded: flag('degraded'),
    rejected: flag('rejected'),
    acceptedAtFrom: moment('accepted_at_from'),
    acceptedAtTo: moment('accepted_at_to'),
    pageSize: pageSize(typed('page_size'), problems),
    pageToken: typed('page_token'),
  };
  const words = new URLSearchParams(filterQuery(request));
  return { request, problems, typed, chosen: (field) => new Set(words.getAll(field)) };
}

/** Returns the query string of a filter, which means the same at any time. A page token belongs to it. */
export function filterQuery(request: ListExecutionsRequest, pageToken = ''): string {
  const query = new URLSearchParams();
  const set = (field: FilterField, value: string | undefined): void => {
    if (value !== undefined && value !== '') query.append(field, value);
  };
  set('agent_uuid', request.agentUuid);
  set('conversation_uuid', request.conversationUuid);
  set('webhook_uuid', request.webhookUuid);
  if (request.webhookType !== 0)
    set('webhook_type', enumWord(WebhookType, 'WEBHOOK_TYPE_', request.webhookType));
  for (const state of request.states) set('states', enumWord(ExecutionState, 'EXECUTION_STATE_', state));
  for (const code of request.failureCodes) set('failure_codes', enumWord(FailureCode, 'FAILURE_CODE_', code));
  set('degraded', request.degraded?.toString());
  set('rejected', request.rejected?.toString());
  set('accepted_at_from', request.acceptedAtFrom?.toISOString());
  set('accepted_at_to', request.acceptedAtTo?.toISOString());
  if (request.pageSize !== 0) set('page_size', String(request.pageSize));
  set('page_token', pageToken);
  return query.toString();
}

function wordsOf<Value extends number>(
  type: Readonly<Record<string, Value>>,
  prefix: string,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    Object.entries(type).flatMap(([name, value]) =>
      value > 0 && name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );
}

// People also write the names of the API (`EXECUTION_STATE_FAILED`) and small letters (`pre_call`).
function numberOf<Value>(
  known: Readonly<Record<string, Value>>,
  field: string,
  text: string,
): Value | undefined {
  const word = text.toUpperCase().replace(PREFIXES[field] ?? '', '');
  return Object.hasOwn(known, word) ? known[word] : undefined;
}

const PREFIXES: Readonly<Record<string, string>> = {
  webhook_type: 'WEBHOOK_TYPE_',
  states: 'EXECUTION_STATE_',
  failure_codes: 'FAILURE_CODE_',
};

function pageSize(text: string, problems: Map<string, string>): number {
  if (/^\d{0,3}$/.test(text) && Number(text) <= 200) return Number(text);
  problems.set('page_size', 'must be 1 to 200');
  return 0;
}
