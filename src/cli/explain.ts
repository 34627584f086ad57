import { CLIENT_EXIT_CODES, CLIENT_VARIABLE_HELP } from './client/client-options.ts';
import { EXPLAIN_OPTIONS, FOLLOW_OPTIONS } from './explain/explain-options.ts';
import { defineCommand, UsageError } from './frame/command.ts';

/** Explains what became of the webhooks of a call, as a page for people. */
export const explain = defineCommand({
  usage: '--conversation UUID | --execution UUID | --follow [filters]',
  about: `Prints what became of the webhooks of a call: why, the decision and the setting that made it, where each variable has
its value from, what stood in the response where an assignment found nothing, what was asked and answered (as recorded,
with secrets masked), the revision of the webhook then and now, and how long each phase took.

With --follow it prints one line for each execution when it has ended, on any replica. It waits while the server is away, and
neither repeats nor loses a line. It prints 200 a second at most, and says how many it has left out.

It needs a token of any role. With the role lifecycle it can't say whether the webhook has changed.`,
  options: EXPLAIN_OPTIONS,
  variables: CLIENT_VARIABLE_HELP,
  examples: [
    'callhooks explain --conversation c0000000-0000-4000-8000-000000000001',
    'callhooks explain --execution 01a20a36-7afd-712e-bd6e-63770e8d109d --json',
    'callhooks explain --follow --since 1h --state failed --agent UUID',
    'callhooks explain --follow --failure-code timeout --json | jq .conversation_uuid',
  ],
  exitCodes: {
    0: 'it was explained',
    ...CLIENT_EXIT_CODES,
    1: 'there is no such execution, or the server refused',
  },
  async run({ options }, shell) {
    const wanted = [options.conversation, options.execution, options.follow || undefined];
    if (wanted.filter((each) => each !== undefined).length !== 1)
      throw new UsageError('give one of --conversation, --execution and --follow');
    const unused = (Object.keys(FOLLOW_OPTIONS) as (keyof typeof FOLLOW_OPTIONS)[]).find((name) =>
      Array.isArray(options[name]) ? options[name].length > 0 : options[name],
    );
    if (unused !== undefined && !options.follow) throw new UsageError(`--${unused} needs --follow`);
    const { runExplain } = await import('./explain/run-explain.ts');
    return runExplain(options, shell);
  },
});
