"""That the fixtures do what the tests of stores rely on: the proxy counts what passes, and every fault shows."""

from __future__ import annotations

import http.client
from urllib.parse import quote, urlsplit

import pytest

from tests.stores.conftest import Proxied
from tests.stores.fault_proxy import Exchange, Fault, FaultProxy, Trouble
from tests.stores.servers import ACCESS_KEY, Bucket

DATA = bytes(range(256)) * 40


def _get(proxy: FaultProxy, path: str, *, timeout: float = 5) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(proxy.endpoint).netloc, timeout=timeout)
    try:
        connection.request("GET", quote(path), headers={"Range": "bytes=10-5009", "Authorization": f"AWS {ACCESS_KEY}:x"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_what_passes_is_passed_on_and_counted(bucket: Bucket, proxied: Proxied) -> None:
    """A range comes through as it is, and stands in the list of exchanges."""
    bucket.put("a b/ä%20.dcm", DATA)
    through, proxy = proxied(bucket)
    assert through.endpoint == proxy.endpoint != bucket.endpoint
    assert _get(proxy, f"/{bucket.name}/a b/ä%20.dcm") == (206, DATA[10:5010])
    assert proxy.gets(bucket.name) == [Exchange("GET", f"/{bucket.name}/a b/ä%20.dcm", "bytes=10-5009", 206, 5000, None)]


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_shows(bucket: Bucket, proxied: Proxied, fault: Fault) -> None:
    """Each fault is what its name says, and the next request finds the store sound."""
    bucket.put("a", DATA)
    path = f"/{bucket.name}/a"
    _, proxy = proxied(bucket, Trouble(share=1.0, faults=(fault,), pause_seconds=0.2))
    if fault is Fault.SLOW_DOWN:
        status, body = _get(proxy, path)
        assert status == 503
        assert b"<Code>SlowDown</Code>" in body
    elif fault is Fault.SLOW:
        assert _get(proxy, path) == (206, DATA[10:5010])
        proxy.trouble = Trouble(share=1.0, faults=(fault,))
        with pytest.raises(TimeoutError):
            _get(proxy, path, timeout=0.1)
    else:
        error = {Fault.RESET: ConnectionResetError, Fault.HANG: TimeoutError, Fault.CUT: http.client.IncompleteRead}
        with pytest.raises(error.get(fault, http.client.RemoteDisconnected)):
            _get(proxy, path, timeout=0.1 if fault is Fault.HANG else 5)
    assert {exchange.fault for exchange in proxy.exchanges} == {fault}
    proxy.trouble = Trouble()
    assert _get(proxy, path) == (206, DATA[10:5010])


def test_a_share_of_requests_fails(bucket: Bucket, proxied: Proxied) -> None:
    """The share is about what was asked for, and only of the requests that it is to concern."""
    bucket.put("a", DATA)
    bucket.put("b", DATA)
    trouble = Trouble(share=0.5, faults=(Fault.SLOW_DOWN,), concerns=lambda _, path: path.endswith("a"))
    _, proxy = proxied(bucket, trouble)
    of_a = [_get(proxy, f"/{bucket.name}/a")[0] for _ in range(40)]
    of_b = [_get(proxy, f"/{bucket.name}/b")[0] for _ in range(5)]
    assert 8 <= of_a.count(503) <= 32
    assert set(of_b) == {206}


def test_a_server_that_checks_signatures(signed_bucket: Bucket) -> None:
    """A request without a signature is refused, and one with it is not."""
    signed_bucket.put("a", DATA)
    with FaultProxy(signed_bucket.endpoint) as proxy:
        assert _get(proxy, f"/{signed_bucket.name}/a")[0] in (400, 403)
    assert signed_bucket.server.client.get_object(Bucket=signed_bucket.name, Key="a")["Body"].read() == DATA
