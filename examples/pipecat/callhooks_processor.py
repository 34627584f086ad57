"""A processor that calls callhooks at the start and at the end of a Pipecat pipeline."""

import asyncio
import time

import grpc
from callhooks import AsyncClient, CallhooksError, texts
from callhooks.v1.call_lifecycle_pb2 import OnCallEndRequest, OnCallStartRequest
from callhooks.v1.execution_pb2 import CALL_DECISION_BLOCK
from google.protobuf.duration_pb2 import Duration
from loguru import logger
from pipecat.frames.frames import CancelFrame, EndFrame, EndWorkerFrame, Frame, StartFrame, TTSSpeakFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

START_TIMEOUT = 12.0
"""Seconds for all attempts. The caller hears nothing meanwhile."""

AWAY = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.INTERNAL,
}
"""With these codes callhooks could not answer now. Others mean that the request was wrong."""


class CallhooksProcessor(FrameProcessor):
    """Greets the caller with what callhooks knows, or turns the call away, and reports its end.

    Place it before the language model. What is known of the caller goes into `context`, and the transcript comes from there.
    """

    def __init__(
        self, client: AsyncClient, agent_uuid: str, conversation_uuid: str, phone: str, context: LLMContext
    ) -> None:
        super().__init__()
        self._client = client
        self._ids = {"agent_uuid": agent_uuid, "conversation_uuid": conversation_uuid}
        self._phone = phone
        self._context = context
        self._talk = True
        self._started_at = time.monotonic()
        self._start_task: asyncio.Task[None] | None = None
        self._end_task: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            # The pipeline starts meanwhile.
            self._start_task = self.create_task(self._start())
        elif isinstance(frame, EndFrame) and self._start_task:
            # This end is graceful: what was begun comes to its end.
            await self._start_task
        if isinstance(frame, (EndFrame, CancelFrame)):
            self._end_task = self._end_task or asyncio.create_task(self._end())
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        """Waits for the report of the call, which the end of the pipeline would otherwise cut off."""
        if self._start_task and not self._start_task.done():
            await self.cancel_task(self._start_task)  # The caller hung up before the reply.
        if self._end_task:
            await self._end_task
        await super().cleanup()

    async def _start(self) -> None:
        known: dict[str, str] = {}
        try:
            # The client repeats it after UNAVAILABLE and LIMIT_REACHED, and waits as long as the server asks for.
            request = OnCallStartRequest(**self._ids, caller_phone=self._phone)
            reply = await self._client.calls.OnCallStart(request, timeout=START_TIMEOUT)
            self._talk = reply.decision != CALL_DECISION_BLOCK
            known = texts(reply.dynamic_variables)
        except CallhooksError as error:
            logger.warning(f"the call has no context: {error}")
            self._talk = error.code() in AWAY  # The caller is not to blame for a callhooks that is away.
        if not self._talk:
            await self.push_frame(TTSSpeakFrame("Sorry, we can't take your call."))
            await self.push_frame(EndWorkerFrame())
            return
        # What comes from outside are facts for the model, and no orders.
        facts = "\n".join(f"{name}: {text}" for name, text in sorted(known.items()))
        self._context.add_message({"role": "system", "content": f"This is known of the caller:\n{facts}"})
        name = known.get("customer_name")
        await self.push_frame(TTSSpeakFrame(f"Hello {name}!" if name else "Hello!"))

    async def _end(self) -> None:
        if not self._talk:
            return
        seconds = round(time.monotonic() - self._started_at)
        request = OnCallEndRequest(
            **self._ids, caller_phone=self._phone, call_duration=Duration(seconds=seconds)
        )
        spoken = [m for m in self._context.get_messages() if isinstance(m, dict) and m["role"] != "system"]
        request.metadata.update(
            {"transcript": [{"role": m["role"], "text": str(m.get("content", ""))} for m in spoken]}
        )
        try:
            await self._client.calls.OnCallEnd(request)
        except CallhooksError as error:
            logger.error(f"the end of the call is not reported: {error}")
