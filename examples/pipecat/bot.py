"""A voice bot on Pipecat, which knows its callers by callhooks. The services come from you."""

import os
import uuid

from callhooks import AsyncClient
from callhooks_processor import CallhooksProcessor
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.llm_service import LLMService
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_transport import BaseTransport
from pipecat.workers.runner import WorkerRunner

AGENT = os.environ.get("CALLHOOKS_AGENT", "a0000000-0000-4000-8000-000000000001")
ADDRESS = os.environ.get("CALLHOOKS_ADDRESS", "127.0.0.1:50051")


def conversation_uuid(call_sid: str) -> str:
    """Returns the UUID of a conversation. The ids of a carrier are no UUIDs, so this makes a name-based one."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"call:{call_sid}"))


async def take_call(
    transport: BaseTransport, stt: STTService, llm: LLMService, tts: TTSService, call_sid: str, phone: str
) -> None:
    """Takes one call, until the caller or the bot ends it."""
    context = LLMContext([{"role": "system", "content": "You answer the phone, in short sentences."}])
    aggregators = LLMContextAggregatorPair(context)
    async with AsyncClient(ADDRESS, token=os.environ.get("CALLHOOKS_TOKEN")) as client:
        hook = CallhooksProcessor(client, AGENT, conversation_uuid(call_sid), phone, context)
        steps = [transport.input(), stt, aggregators.user(), hook, llm, tts, transport.output(), aggregators.assistant()]
        worker = PipelineWorker(Pipeline(steps))

        @transport.event_handler("on_client_disconnected")
        async def hang_up(*_: object) -> None:
            await worker.cancel()

        runner = WorkerRunner()
        await runner.add_workers(worker)
        await runner.run()
