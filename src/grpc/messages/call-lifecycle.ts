import type { OnCallEndReply } from '../../commands/calls/on-call-end.ts';
import type { OnCallStartReply } from '../../commands/calls/on-call-start.ts';
import type { VariableSource } from '../../domain/call.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { numberOf, VARIABLE_SOURCES } from './wire-values.ts';
import { decisionFields, executionMessage } from './execution.ts';

/** Returns the reply of `OnCallStart`: the decision, and every variable with its source. */
export function onCallStartMessage(reply: OnCallStartReply): pb.OnCallStartResponse {
  return {
    ...decisionFields(reply),
    dynamicVariables: reply.dynamicVariables,
    variableSources: variableSourcesMessage(reply.variableSources),
    execution: reply.execution && executionMessage(reply.execution),
    replayed: reply.replayed,
  };
}

/** Returns where each variable comes from. */
export function variableSourcesMessage(
  sources: Readonly<Record<string, VariableSource>>,
): Record<string, pb.VariableSource> {
  return Object.fromEntries(
    Object.entries(sources).map(([name, source]) => [name, numberOf(VARIABLE_SOURCES, source)]),
  );
}

/** Returns the reply of `OnCallEnd`: the accepted execution, if there is one. */
export function onCallEndMessage(reply: OnCallEndReply): pb.OnCallEndResponse {
  return {
    execution: reply.execution && executionMessage(reply.execution),
    replayed: reply.replayed,
  };
}
