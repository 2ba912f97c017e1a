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
