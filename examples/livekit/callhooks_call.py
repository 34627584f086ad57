"""Calls callhooks at the start and at the end of a LiveKit session."""

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass, field

import grpc
from callhooks import AsyncClient, CallhooksError, texts
from callhooks.v1.call_lifecycle_pb2 import OnCallEndRequest, OnCallStartRequest
from callhooks.v1.execution_pb2 import CALL_DECISION_BLOCK
from google.protobuf.duration_pb2 import Duration
from livekit.agents import AgentSession, ChatMessage, CloseEvent

logger = logging.getLogger(__name__)

START_TIMEOUT = 12.0
"""Seconds for all attempts. The caller hears the phone ring meanwhile."""
END_TIMEOUT = 8.0
"""Seconds for all attempts. LiveKit ends the process of a job 10 s after the call."""

AWAY = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.INTERNAL,
}
"""With these codes callhooks could not answer now. Others mean that the request was wrong."""


def conversation_uuid(job_id: str) -> str:
    """Returns the UUID of a conversation. LiveKit's ids are no UUIDs, so this makes a name-based one."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"livekit:{job_id}"))


@dataclass
class Call:
    """A call that callhooks knows."""

    client: AsyncClient
    agent_uuid: str
    conversation: str
    phone: str
    talk: bool = True
    """False if the call must not be taken: the endpoint rejected it, or its failure blocks calls."""
    known: dict[str, str] = field(default_factory=dict)
    """The texts of the dynamic variables. Without callhooks there are none."""
    _report: "asyncio.Task[None] | None" = None
    _started_at: float = 0.0

    async def start(self) -> None:
        """Asks callhooks what to do with the call. A callhooks that is away costs the context, and not the call."""
        self._started_at = time.monotonic()
        request = OnCallStartRequest(
            agent_uuid=self.agent_uuid, conversation_uuid=self.conversation, caller_phone=self.phone
        )
        try:
            # The client repeats it after UNAVAILABLE and LIMIT_REACHED, and waits as long as the server asks for.
            reply = await self.client.calls.OnCallStart(request, timeout=START_TIMEOUT)
        except CallhooksError as error:
            if error.code() not in AWAY:
                raise
            logger.warning("the call starts without its context: %s", error)
            return
        self.talk = reply.decision != CALL_DECISION_BLOCK
        self.known = texts(reply.dynamic_variables)

    def report_when_closed(self, session: AgentSession) -> None:
        """Reports the end of the call when the session closes, for whatever reason."""

        @session.on("close")
        def on_close(event: CloseEvent) -> None:
            if self.talk:
                self._report = asyncio.create_task(self._end(session, event.reason.value))

    async def reported(self) -> None:
        """Waits for the report. Use it as a shutdown callback of the job, which otherwise ends before."""
        if self._report:
            await self._report

    async def _end(self, session: AgentSession, reason: str) -> None:
        request = OnCallEndRequest(
            agent_uuid=self.agent_uuid,
            conversation_uuid=self.conversation,
            caller_phone=self.phone,
            call_duration=Duration(seconds=round(time.monotonic() - self._started_at)),
        )
        messages = [item for item in session.history.items if isinstance(item, ChatMessage)]
        transcript = [{"role": item.role, "text": item.text_content or ""} for item in messages]
        request.metadata.update({"reason": reason, "transcript": transcript})
        try:
            await self.client.calls.OnCallEnd(request, timeout=END_TIMEOUT)
        except CallhooksError as error:
            logger.error("the end of call %s is not reported: %s", self.conversation, error)
