"""The scripted vendor, a limiter that remembers what it was asked, and both clients connected to them."""

from collections.abc import Iterator

import pytest

from connectors.amazon_business.client import AmazonBusiness
from connectors.coupa.client import Coupa
from tests.unit.connectors.scripted_vendor import (
    RecordingLimiter,
    Vendor,
    connect_amazon,
    connect_coupa,
    serving,
)


@pytest.fixture(autouse=True)
def no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as vendor:
        yield vendor


@pytest.fixture
def limiter() -> RecordingLimiter:
    return RecordingLimiter()


@pytest.fixture
def amazon(vendor: Vendor, limiter: RecordingLimiter) -> AmazonBusiness:
    return connect_amazon(vendor.url, limiter)


@pytest.fixture
def coupa(vendor: Vendor, limiter: RecordingLimiter) -> Coupa:
    return connect_coupa(vendor.url, limiter)
