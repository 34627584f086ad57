import { VariableSource, WebhookType, type Assignment, type Execution } from '../gen/index.callhooks.v1.ts';
import type { RecordedExecution, WebhookToday } from './read-conversation.ts';
import { enumWord } from './words.ts';

/** A variable of a call, with its value, and with where that comes from. */
export interface ExplainedVariable {
  readonly name: string;
  readonly value: unknown;
  /** The source as a word: `DEFAULT`, `REQUEST`, `ASSIGNMENT` or `ASSIGNMENT_DEFAULT`. */
  readonly source: string;
  /** The source as it goes on behind "from": `the response: customer.name`. */
  readonly sourceText: string;
  /** Says why the value does not come from the response. It may be empty. */
  readonly why: string;
  /** Reports whether an assignment should have set it in this call, and did not. */
  readonly isMissed: boolean;
}

/** The variables of a call, or a sentence that says why there are none. */
export interface ExplainedVariables {
  readonly list: readonly ExplainedVariable[];
  readonly absence: string | undefined;
}

const SOURCES: Readonly<Record<string, string>> = {
  DEFAULT: 'the default of the agent',
  REQUEST: 'OnCallStart',
  ASSIGNMENT: 'the response',
  ASSIGNMENT_DEFAULT: 'the default_value of its assignment',
};

/**
 * Returns each variable with its value, where that comes from, and why it does not come from the response. There is
 * neither a variable nor a sentence while a pre-call has not finished.
 */
export function explainVariables({ execution, reply, today }: RecordedExecution): ExplainedVariables {
  const none = (absence?: string): ExplainedVariables => ({ list: [], absence });
  if (execution.webhookType !== WebhookType.WEBHOOK_TYPE_PRE_CALL)
    return none('The variables of a post-call are not kept. The request has those that it needs.');
  const { dynamicVariables, variableSources } = reply;
  if (dynamicVariables === undefined)
    return none(
      execution.finishedAt === undefined
        ? undefined
        : 'This server does not tell the variables (it is older).',
    );
  const entries = Object.entries(dynamicVariables);
  if (entries.length === 0) return none('The agent declares no variables.');
  const list = entries.map(([name, value]) => {
    const source = enumWord(VariableSource, 'VARIABLE_SOURCE_', variableSources[name] ?? 0);
    return { name, value, source, ...sourceOf(name, source, execution, today) };
  });
  return { list, absence: undefined };
}

type Why = Pick<ExplainedVariable, 'why' | 'isMissed'>;
type Source = Why & Pick<ExplainedVariable, 'sourceText'>;

function sourceOf(name: string, source: string, execution: Execution, today: WebhookToday): Source {
  const rules = rulesOf(today);
  const own = rules?.filter(({ dynamicVariable }) => dynamicVariable === name || dynamicVariable === '*');
  if (source === 'ASSIGNMENT' && own?.length === 1 && own[0]?.dynamicVariable === name)
    return { sourceText: `the response: ${own[0].attributeName}`, why: '', isMissed: false };
  return { sourceText: SOURCES[source] ?? source, ...whyNotAssigned(name, source, execution, own) };
}

// The rules that ran are known only while the webhook is the same.
function rulesOf(today: WebhookToday) {
  return today.state === 'same' ? today.webhook.webhookConfig?.assignments : undefined;
}

type Rule = Pick<Assignment, 'attributeName' | 'dynamicVariable'>;

function whyNotAssigned(
  name: string,
  source: string,
  { failure, rejected, missedAssignments }: Execution,
  own: readonly Rule[] | undefined,
): Why {
  if (source !== 'DEFAULT' && source !== 'REQUEST') return { why: '', isMissed: false };
  if (own?.length === 0) return { why: 'no assignment sets it', isMissed: false };
  const missed = (why: string): Why => ({ why, isMissed: true });
  const rule = ruleFor(name, missedAssignments);
  if (rule !== undefined) return missed(`its assignment from ${rule.attributeName} took no value`);
  if (failure !== undefined) return missed('the webhook failed, so nothing was assigned');
  if (rejected) return missed('the call was rejected, so nothing was assigned');
  // A rule for all variables takes what the object has, and misses nothing that it has not.
  const [first] = own ?? [];
  return first === undefined
    ? { why: '', isMissed: false }
    : missed(`${first.attributeName} has no value for it`);
}

function ruleFor(name: string, rules: readonly Rule[]): Rule | undefined {
  return (
    rules.find(({ dynamicVariable }) => dynamicVariable === name) ??
    rules.find(({ dynamicVariable }) => dynamicVariable === '*')
  );
}
