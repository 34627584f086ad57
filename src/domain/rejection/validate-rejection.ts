import { violationsOf, type Violation } from '../../errors.ts';
import type { WebhookType } from '../agent.ts';
import { attributeNameProblem } from '../assignments/attribute-spelling.ts';
import { jsonBytes, type JsonValue } from '../json.ts';
import { MAX_REJECTION_STATUSES, MAX_REJECTION_VALUE_BYTES, MAX_REJECTION_VALUES } from '../limits.ts';
import { itemPath } from '../validation/field-path.ts';
import { configValueProblems } from '../validation/validate-json.ts';
import type { RejectionRule } from './rejection-rule.ts';

/** Returns the violations of the rejection rule of a webhook. */
export function rejectionViolations(
  rule: RejectionRule | undefined,
  field: string,
  type: WebhookType,
): Violation[] {
  if (rule === undefined) return [];
  if (type === 'post_call') return violationsOf(field, 'is for pre-call webhooks only');
  const { httpStatuses, attributeName, equals, reasonAttributeName } = rule;
  const isEmpty = httpStatuses.length === 0 && attributeName === '' && equals.length === 0;
  return [
    ...violationsOf(field, isEmpty ? 'must have http_statuses, or attribute_name with equals' : undefined),
    ...statusViolations(httpStatuses, `${field}.http_statuses`),
    ...violationsOf(`${field}.attribute_name`, comparedProblem(rule)),
    ...equalsViolations(rule, `${field}.equals`),
    ...violationsOf(
      `${field}.reason_attribute_name`,
      reasonAttributeName === '' ? undefined : attributeNameProblem(reasonAttributeName),
    ),
  ];
}

function statusViolations(statuses: readonly number[], field: string): Violation[] {
  const limited = statuses.slice(0, MAX_REJECTION_STATUSES);
  return [
    ...violationsOf(
      field,
      statuses.length > MAX_REJECTION_STATUSES
        ? `must not have more than ${MAX_REJECTION_STATUSES} statuses`
        : undefined,
    ),
    ...limited.flatMap((status, i) => violationsOf(itemPath(field, i), statusProblem(limited, i, status))),
  ];
}

function statusProblem(statuses: readonly number[], at: number, status: number): string | undefined {
  if (status < 400 || status > 499) return 'must be 400 to 499';
  return statuses.indexOf(status) < at ? 'is there already' : undefined;
}

function comparedProblem({ attributeName, equals }: RejectionRule): string | undefined {
  if (attributeName !== '') return attributeNameProblem(attributeName);
  return equals.length > 0 ? 'is required with equals' : undefined;
}

function equalsViolations({ attributeName, equals }: RejectionRule, field: string): Violation[] {
  if (equals.length === 0)
    return violationsOf(field, attributeName === '' ? undefined : 'is required with attribute_name');
  return [
    ...violationsOf(
      field,
      equals.length > MAX_REJECTION_VALUES
        ? `must not have more than ${MAX_REJECTION_VALUES} values`
        : undefined,
    ),
    ...equals
      .slice(0, MAX_REJECTION_VALUES)
      .flatMap((value, i) => valueViolations(value, itemPath(field, i))),
  ];
}

// Only a value of the allowed depth is measured.
function valueViolations(value: JsonValue, field: string): Violation[] {
  const problems = configValueProblems(value, field);
  if (problems.length > 0) return problems;
  return violationsOf(
    field,
    jsonBytes(value) > MAX_REJECTION_VALUE_BYTES
      ? `must not be larger than ${MAX_REJECTION_VALUE_BYTES} bytes of JSON`
      : undefined,
  );
}
