/** The controls of the form, by the names that TestWebhookRequest has for their fields. */
export const CONTROLS = [
  'webhook_uuid',
  'agent_uuid',
  'webhook_type',
  'webhook_config',
  'conversation_uuid',
  'caller_phone',
  'dynamic_variables',
  'metadata',
  'call_duration',
  'call_summary',
] as const;

/** The name of a control of the form. */
export type Control = (typeof CONTROLS)[number];

/** What somebody has put into the form, as texts. */
export type TryForm = Readonly<Record<Control, string>>;

// Spaces around these come from copying.
const TRIMMED: ReadonlySet<Control> = new Set([
  'webhook_uuid',
  'agent_uuid',
  'webhook_type',
  'conversation_uuid',
  'call_duration',
]);

/** Returns the texts of a posted form. A control that was not posted is empty. */
export function readTryForm(posted: URLSearchParams): TryForm {
  return formOf((control) => {
    // Browsers write each line end as CR LF.
    const text = (posted.get(control) ?? '').replaceAll('\r\n', '\n');
    return TRIMMED.has(control) ? text.trim() : text;
  });
}

/** Returns a form with these texts. The others are empty. */
export function tryFormOf(texts: Partial<TryForm>): TryForm {
  return formOf((control) => texts[control] ?? '');
}

function formOf(textOf: (control: Control) => string): TryForm {
  return Object.fromEntries(CONTROLS.map((control) => [control, textOf(control)])) as Record<Control, string>;
}

/** A rule that a control breaks. */
export interface Problem {
  readonly control: Control;
  /** The field within the control, such as `webhook_config.api_schema.url`. */
  readonly field: string;
  /** The end of the sentence "FIELD …". */
  readonly description: string;
  /** The line of the control on which the field stands, from 1 on. */
  readonly line?: number | undefined;
}

/** Compares problems by the places of their controls in the form, for a sort. */
export function byControl(one: Problem, other: Problem): number {
  return CONTROLS.indexOf(one.control) - CONTROLS.indexOf(other.control);
}

/** Returns the control that a field of TestWebhookRequest belongs to. */
export function controlOf(field: string): Control | undefined {
  const name = /^\w+/.exec(field)?.[0];
  return CONTROLS.find((control) => control === name);
}
