"""A small voice platform: it takes one call with the context that callhooks loads for it."""

import os
import sys
import time
import uuid

import grpc
from callhooks import CallhooksError, Client, texts
from callhooks.v1.call_lifecycle_pb2 import OnCallEndRequest, OnCallStartRequest
from callhooks.v1.execution_log_pb2 import ListExecutionsRequest
from callhooks.v1.execution_pb2 import CALL_DECISION_BLOCK, Execution, ExecutionState, FailureCode
from callhooks.v1.webhook_pb2 import WebhookType
from google.protobuf.duration_pb2 import Duration

START_TIMEOUT = 12.0
"""Seconds for all attempts. The caller hears the phone ring meanwhile."""
RECORD_TIMEOUT = 10.0
"""Seconds to wait for the end of the post-call webhook."""

AWAY = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.INTERNAL,
}
"""With these codes callhooks could not answer now. Others mean that the request was wrong."""


class VoicePlatform:
    """Takes the calls of one agent."""

    def __init__(self, client: Client, agent: str) -> None:
        self._client = client
        self._agent = agent

    def take_call(self, conversation: str, phone: str) -> None:
        """Answers a call, or turns it away, and reports its end. Raises when the request itself was wrong."""
        greeting, talk = self._start(conversation, phone)
        print(f"say: {greeting}")
        if talk:
            # Here the agent would talk.
            self._end(conversation, phone, seconds=42)
        self._print_record(conversation)

    def _start(self, conversation: str, phone: str) -> tuple[str, bool]:
        """Asks callhooks what to do with a call. Returns what the caller hears first, and whether the call goes on."""
        request = OnCallStartRequest(
            agent_uuid=self._agent, conversation_uuid=conversation, caller_phone=phone
        )
        try:
            # The client repeats it after UNAVAILABLE and LIMIT_REACHED, and waits as long as the server asks for.
            reply = self._client.calls.OnCallStart(request, timeout=START_TIMEOUT)
        except CallhooksError as error:
            print_error("start", error)
            if error.code() in AWAY:
                return "Hello!", True  # The caller is not to blame: talk without the context.
            print("say: Sorry, we can't take your call now.")
            raise
        if reply.rejected:
            # The reason is for your people, and not for the caller.
            print(f"start: BLOCK, rejected: {reply.reject_reason}")
            return "Sorry, we can't take your call.", False
        if reply.decision == CALL_DECISION_BLOCK:
            print("start: BLOCK")
            return "Sorry, we can't take your call now. Please try again later.", False
        # In a degraded call the variables are those of the agent and the request.
        print("start: PROCEED, degraded" if reply.degraded else "start: PROCEED")
        known = texts(reply.dynamic_variables)
        for name, text in sorted(known.items()):
            print(f"known: {name}={text}")
        caller = known.get("customer_name")
        return f"Hello {caller}!" if caller else "Hello!", True

    def _end(self, conversation: str, phone: str, seconds: int) -> None:
        """Reports a call. callhooks sends the post-call webhook in the background."""
        request = OnCallEndRequest(
            agent_uuid=self._agent,
            conversation_uuid=conversation,
            caller_phone=phone,
            call_duration=Duration(seconds=seconds),
            call_summary="The caller asked for the opening hours.",
        )
        try:
            reply = self._client.calls.OnCallEnd(request)
        except CallhooksError as error:
            print_error("end", error)  # A platform would keep the report, and repeat it later.
            return
        print(f"end: {ExecutionState.Name(reply.execution.state).removeprefix('EXECUTION_STATE_')}")

    def _print_record(self, conversation: str) -> None:
        """Prints how the webhooks of a conversation ended."""
        request = ListExecutionsRequest(agent_uuid=self._agent, conversation_uuid=conversation)
        give_up_at = time.monotonic() + RECORD_TIMEOUT
        while True:
            executions = self._client.executions.ListExecutions(request).executions
            if all(e.HasField("finished_at") for e in executions) or time.monotonic() > give_up_at:
                break
            time.sleep(0.2)
        for execution in sorted(executions, key=lambda e: e.webhook_type):
            print_execution(execution)


def print_execution(execution: Execution) -> None:
    webhook = WebhookType.Name(execution.webhook_type).removeprefix("WEBHOOK_TYPE_")
    state = ExecutionState.Name(execution.state).removeprefix("EXECUTION_STATE_")
    failure = ""
    if execution.HasField("failure"):
        failure = ", " + FailureCode.Name(execution.failure.code).removeprefix("FAILURE_CODE_")
    print(f"{webhook}: {state}{failure}")


def print_error(step: str, error: CallhooksError) -> None:
    print(f"{step}: {error.reason or error.code().name}")  # A connection that fails has no reason.
    for violation in error.violations:
        print(f"  {violation.field} {violation.description}")


def main() -> None:
    agent, phone, conversation = (sys.argv[1:] + ["", "", ""])[:3]
    address = os.environ.get("CALLHOOKS_ADDRESS", "127.0.0.1:50051")
    with Client(address, token=os.environ.get("CALLHOOKS_TOKEN")) as client:
        platform = VoicePlatform(client, agent or "a0000000-0000-4000-8000-000000000001")
        try:
            platform.take_call(conversation or str(uuid.uuid4()), phone or "+14155550123")
        except CallhooksError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
