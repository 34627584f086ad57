"""The tests of the repository start servers and name them in the environment."""

import os
from pathlib import Path

import pytest


def _named(variable: str) -> str:
    value = os.environ.get(variable)
    if value is None:
        pytest.skip(f"make test-clients sets {variable}")
    return value


@pytest.fixture
def address() -> str:
    return _named("CALLHOOKS_TEST_ADDRESS")


@pytest.fixture
def tls_address() -> str:
    return _named("CALLHOOKS_TEST_TLS_ADDRESS")


@pytest.fixture
def flaky_address() -> str:
    return _named("CALLHOOKS_TEST_FLAKY_ADDRESS")


@pytest.fixture
def endpoint() -> str:
    return _named("CALLHOOKS_TEST_ENDPOINT")


@pytest.fixture
def token() -> str:
    return _named("CALLHOOKS_TEST_TOKEN")


@pytest.fixture
def certs() -> Path:
    return Path(_named("CALLHOOKS_TEST_CERTS"))
