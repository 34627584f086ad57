"""Tests the agent with LiveKit's own AgentSession, in text and without a media server, on a real callhooks server."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from agent import agent_of
from callhooks import AsyncClient, CallhooksError
from callhooks.v1.agent_admin_pb2 import CreateAgentRequest
from callhooks.v1.execution_log_pb2 import GetExecutionRequest, ListExecutionsRequest
from callhooks.v1.execution_pb2 import Execution
from callhooks.v1.webhook_pb2 import WEBHOOK_TYPE_POST_CALL
from callhooks_call import Call, conversation_uuid
from google.protobuf import json_format
from livekit.agents import AgentSession
from livekit.agents.llm import LLM, ChatChunk, ChoiceDelta, LLMStream

ENDPOINT = os.environ["CALLHOOKS_TEST_ENDPOINT"]
ADDRESS = os.environ["CALLHOOKS_TEST_ADDRESS"]


class ParrotStream(LLMStream):
    async def _run(self) -> None:
        said = self._chat_ctx.items[-1].text_content
        self._event_ch.send_nowait(ChatChunk(id="1", delta=ChoiceDelta(role="assistant", content=f"You said: {said}")))


class Parrot(LLM):
    """A model that repeats what it hears, and keeps what it was told."""

    instructions = ""

    def chat(self, *, chat_ctx: Any, tools: Any = None, conn_options: Any = None, **_: Any) -> LLMStream:
        self.instructions = chat_ctx.items[0].text_content
        return ParrotStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(ADDRESS) as client:
        yield client


async def start_call(client: AsyncClient, url: str = ENDPOINT, **config: Any) -> Call:
    """Starts a call of a new agent, whose endpoint knows Ada's three visits."""
    pre = {
        "api_schema": {"url": url, "method": "POST"},
        "assignments": [
            {"attribute_name": "name", "dynamic_variable": "customer_name"},
            {"attribute_name": "visits", "dynamic_variable": "visits"},
        ],
        **config,
    }
    body = {"reason": "{{metadata.reason}}", "transcript": "{{metadata.transcript}}"}
    post = {"api_schema": {"url": ENDPOINT, "method": "POST", "request_body": body}}
    agent = {
        "dynamic_variables": {"customer_name": "", "visits": 0},
        "webhooks": [
            {"webhook_type": "WEBHOOK_TYPE_PRE_CALL", "webhook_config": pre},
            {"webhook_type": "WEBHOOK_TYPE_POST_CALL", "webhook_config": post},
        ],
    }
    request = json_format.ParseDict({"agent": agent}, CreateAgentRequest())
    created = await client.agents.CreateAgent(request)
    call = Call(client, created.agent.agent_uuid, conversation_uuid(uuid.uuid4().hex), "+14155550123")
    await call.start()
    return call


async def report_of(call: Call) -> Execution:
    """Returns the post-call execution of a call."""
    await call.reported()
    request = ListExecutionsRequest(conversation_uuid=call.conversation, webhook_type=WEBHOOK_TYPE_POST_CALL)
    (found,) = (await call.client.executions.ListExecutions(request)).executions
    while True:
        reply = await call.client.executions.GetExecution(GetExecutionRequest(execution_uuid=found.execution_uuid))
        if reply.execution.HasField("finished_at"):
            return reply.execution
        await asyncio.sleep(0.05)


async def test_greets_a_known_caller_and_reports_the_call(client: AsyncClient) -> None:
    call = await start_call(client)
    parrot = Parrot()
    async with AgentSession(llm=parrot) as session:
        call.report_when_closed(session)
        entered = await session.start(agent_of(call), capture_run=True)
        message = entered.expect.contains_message(role="assistant").event().item
        assert message.text_content == "Hello Ada!"
        result = await session.run(user_input="When are you open?")
        answer = result.expect.next_event().is_message(role="assistant").event().item
        assert answer.text_content == "You said: When are you open?"
        assert "visits: 3\n" in parrot.instructions + "\n"  # Not 3.0, which a bot would say.
    report = await report_of(call)
    assert report.HasField("response"), report.failure
    for text in ('"reason":"user_initiated"', "Hello Ada!", "When are you open?"):
        assert text in report.request.body


async def test_talks_without_the_context_when_the_endpoint_fails(client: AsyncClient) -> None:
    call = await start_call(client, "http://127.0.0.1:1/")
    assert await greeting_of(call) == "Hello!"
    assert (await report_of(call)).HasField("response")


async def test_turns_away_a_blocked_call_and_reports_none(client: AsyncClient) -> None:
    policy = {"failure_policy": "FAILURE_POLICY_BLOCK"}
    call = await start_call(client, "http://127.0.0.1:1/", **policy)
    assert await greeting_of(call) == "Sorry, we can't take your call."
    await call.reported()
    request = ListExecutionsRequest(conversation_uuid=call.conversation, webhook_type=WEBHOOK_TYPE_POST_CALL)
    assert not (await client.executions.ListExecutions(request)).executions


async def test_talks_without_the_context_when_callhooks_is_away() -> None:
    async with AsyncClient("127.0.0.1:1") as client:
        call = Call(client, str(uuid.uuid4()), conversation_uuid("job"), "+14155550123")
        await call.start()
        assert call.talk
        assert call.known == {}


async def test_fails_when_the_agent_does_not_exist(client: AsyncClient) -> None:
    call = Call(client, str(uuid.uuid4()), conversation_uuid("job"), "+14155550123")
    with pytest.raises(CallhooksError) as raised:
        await call.start()
    assert raised.value.reason == "AGENT_NOT_FOUND"


async def greeting_of(call: Call) -> str:
    """Runs a session, and returns what the agent says first."""
    async with AgentSession(llm=Parrot()) as session:
        call.report_when_closed(session)
        entered = await session.start(agent_of(call), capture_run=True)
        return entered.expect.contains_message(role="assistant").event().item.text_content or ""
