import asyncio
import uuid
from pathlib import Path

import grpc
import pytest

from callhooks import AsyncClient, CallhooksError, texts
from callhooks.v1.agent_admin_pb2 import CreateAgentRequest, ListAgentsRequest
from callhooks.v1.call_lifecycle_pb2 import OnCallEndRequest, OnCallStartRequest
from test_client import mutual_tls, new_agent


async def test_starts_and_ends_a_call(address: str, endpoint: str) -> None:
    async with AsyncClient(address) as client:
        agent = (await client.agents.CreateAgent(CreateAgentRequest(agent=new_agent(endpoint)))).agent
        agent_uuid, conversation_uuid = agent.agent_uuid, str(uuid.uuid4())
        start = await client.calls.OnCallStart(
            OnCallStartRequest(agent_uuid=agent_uuid, conversation_uuid=conversation_uuid)
        )
        assert texts(start.dynamic_variables) == {"name": "Ada", "visits": "3"}
        end = OnCallEndRequest(agent_uuid=agent_uuid, conversation_uuid=conversation_uuid)
        assert not (await client.calls.OnCallEnd(end)).replayed


async def test_raises_an_error_with_its_reason(address: str) -> None:
    async with AsyncClient(address) as client:
        with pytest.raises(CallhooksError) as caught:
            await client.calls.OnCallStart(OnCallStartRequest(agent_uuid="x", conversation_uuid="y"))
    assert caught.value.reason == "VALIDATION_FAILED"
    assert len(caught.value.violations) == 2


async def test_repeats_a_start_where_that_is_safe(flaky_address: str) -> None:
    async with AsyncClient(flaky_address) as client:
        request = OnCallStartRequest(conversation_uuid=str(uuid.uuid4()), caller_phone="UNAVAILABLE*2")
        assert (await client.calls.OnCallStart(request)).reject_reason == "3"


async def test_ends_an_rpc_at_its_deadline_or_with_its_task(flaky_address: str) -> None:
    async with AsyncClient(flaky_address, timeouts={"OnCallStart": 0.1}) as client:
        request = OnCallStartRequest(conversation_uuid=str(uuid.uuid4()), caller_phone="silent")
        with pytest.raises(CallhooksError) as caught:
            await client.calls.OnCallStart(request)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED

        async def wait() -> None:
            await client.calls.OnCallStart(request, timeout=30)

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)  # The task runs until it waits for the reply.
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_sends_the_token_that_a_coroutine_returns_over_mutual_tls(
    tls_address: str, token: str, certs: Path
) -> None:
    tokens = iter(["wrong", token])

    async def next_token() -> str:
        return next(tokens)

    async with AsyncClient(tls_address, tls=mutual_tls(certs), token=next_token) as client:
        with pytest.raises(CallhooksError) as caught:
            await client.agents.ListAgents(ListAgentsRequest())
        assert caught.value.reason == "UNAUTHENTICATED"
        assert len((await client.agents.ListAgents(ListAgentsRequest())).agents) == 0
