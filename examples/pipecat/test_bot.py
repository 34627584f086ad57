"""Tests the processor in pipelines of Pipecat, without a media server, on a real callhooks server."""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator
from typing import Any

import bot
import pytest
from callhooks import AsyncClient
from callhooks.v1.agent_admin_pb2 import CreateAgentRequest
from callhooks.v1.execution_log_pb2 import GetExecutionRequest, ListExecutionsRequest
from callhooks.v1.execution_pb2 import Execution
from callhooks.v1.webhook_pb2 import WEBHOOK_TYPE_POST_CALL
from callhooks_processor import CallhooksProcessor
from google.protobuf import json_format
from pipecat.frames.frames import CancelFrame, Frame, TextFrame, TTSSpeakFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.tests.utils import run_test

ENDPOINT = os.environ["CALLHOOKS_TEST_ENDPOINT"]
ADDRESS = os.environ["CALLHOOKS_TEST_ADDRESS"]
PHONE = "+14155550123"


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(ADDRESS) as client:
        yield client


async def create_agent(client: AsyncClient, url: str = ENDPOINT, **config: Any) -> str:
    """Creates an agent, whose endpoint knows Ada's three visits."""
    pre = {
        "api_schema": {"url": url, "method": "POST"},
        "assignments": [
            {"attribute_name": "name", "dynamic_variable": "customer_name"},
            {"attribute_name": "visits", "dynamic_variable": "visits"},
        ],
        **config,
    }
    post = {
        "api_schema": {
            "url": ENDPOINT,
            "method": "POST",
            "request_body": {"transcript": "{{metadata.transcript}}"},
        }
    }
    agent = {
        "dynamic_variables": {"customer_name": "", "visits": 0},
        "webhooks": [
            {"webhook_type": "WEBHOOK_TYPE_PRE_CALL", "webhook_config": pre},
            {"webhook_type": "WEBHOOK_TYPE_POST_CALL", "webhook_config": post},
        ],
    }
    created = await client.agents.CreateAgent(json_format.ParseDict({"agent": agent}, CreateAgentRequest()))
    return created.agent.agent_uuid


class Call:
    """A call in a pipeline with only the hook in it."""

    def __init__(self, client: AsyncClient, agent_uuid: str) -> None:
        self.context = LLMContext([{"role": "user", "content": "When are you open?"}])
        self.conversation = bot.conversation_uuid(uuid.uuid4().hex)
        self._client = client
        self._hook = CallhooksProcessor(client, agent_uuid, self.conversation, PHONE, self.context)

    async def run(self, *frames: Frame, end: bool = True) -> list[str]:
        """Sends frames through the pipeline, and returns the texts that come out to be spoken."""
        down, _ = await run_test(self._hook, frames_to_send=frames, send_end_frame=end, start_timeout=20)
        return [frame.text for frame in down if isinstance(frame, TTSSpeakFrame)]

    async def reports(self) -> list[Execution]:
        """Returns the post-call executions of the call, when they are finished."""
        request = ListExecutionsRequest(
            conversation_uuid=self.conversation, webhook_type=WEBHOOK_TYPE_POST_CALL
        )
        while True:
            listed = (await self._client.executions.ListExecutions(request)).executions
            if all(execution.HasField("finished_at") for execution in listed):
                break
            await asyncio.sleep(0.05)
        log = self._client.executions
        replies = [await log.GetExecution(GetExecutionRequest(execution_uuid=e.execution_uuid)) for e in listed]
        return [reply.execution for reply in replies]


async def test_greets_a_known_caller_and_reports_the_call(client: AsyncClient) -> None:
    call = Call(client, await create_agent(client))
    assert await call.run(TextFrame("any")) == ["Hello Ada!"]
    # 3 rather than 3.0, which a bot would say.
    facts = "This is known of the caller:\ncustomer_name: Ada\nvisits: 3"
    assert call.context.get_messages()[-1] == {"role": "system", "content": facts}
    (report,) = await call.reports()
    said = {"role": "user", "text": "When are you open?"}
    assert json.loads(report.request.body) == {"transcript": [said]}


async def test_reports_a_call_whose_caller_hangs_up(client: AsyncClient) -> None:
    call = Call(client, await create_agent(client))
    await call.run(CancelFrame(), end=False)
    (report,) = await call.reports()
    assert report.HasField("response"), report.failure


async def test_talks_without_the_context_when_the_endpoint_fails(client: AsyncClient) -> None:
    call = Call(client, await create_agent(client, "http://127.0.0.1:1/"))
    assert await call.run() == ["Hello!"]
    assert len(await call.reports()) == 1


async def test_turns_away_a_blocked_call_and_reports_none(client: AsyncClient) -> None:
    policy = {"failure_policy": "FAILURE_POLICY_BLOCK"}
    call = Call(client, await create_agent(client, "http://127.0.0.1:1/", **policy))
    # The hook ends the pipeline by itself.
    assert await call.run(end=False) == ["Sorry, we can't take your call."]
    assert await call.reports() == []


async def test_turns_away_a_call_whose_agent_does_not_exist(client: AsyncClient) -> None:
    call = Call(client, str(uuid.uuid4()))
    assert await call.run(end=False) == ["Sorry, we can't take your call."]


async def test_talks_without_the_context_when_callhooks_is_away() -> None:
    async with AsyncClient("127.0.0.1:1", timeouts={"OnCallEnd": 0.5}) as client:
        assert await Call(client, str(uuid.uuid4())).run() == ["Hello!"]
