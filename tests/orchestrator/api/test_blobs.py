from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .blob_process import BlobProcess
from .raw_http import RawConnection


def blob(size_bytes: int) -> tuple[bytes, str]:
    data = os.urandom(size_bytes)
    return data, hashlib.sha256(data).hexdigest()


@pytest.fixture
def stored(client: httpx.Client) -> tuple[bytes, str]:
    data, sha256 = blob(3_000_000)
    assert client.put(f"/blobs/{sha256}", content=data).status_code == 201
    return data, sha256


def error_code(response: httpx.Response) -> str:
    told = response.json()["error"]
    assert set(told) == {"code", "message", "hint", "details"}
    return str(told["code"])


@pytest.mark.parametrize("size_bytes", [0, 1, 65_536, 262_145, 4_194_304, 20_000_001])
def test_what_is_put_is_got(client: httpx.Client, size_bytes: int) -> None:
    data, sha256 = blob(size_bytes)
    first = client.put(f"/blobs/{sha256}", content=data)
    assert (first.status_code, first.json()) == (201, {"sha256": sha256, "size_bytes": size_bytes})
    again = client.put(f"/blobs/{sha256}", content=data)
    assert (again.status_code, again.json()) == (200, {"sha256": sha256, "size_bytes": size_bytes})
    got = client.get(f"/blobs/{sha256}")
    assert (got.status_code, got.content == data) == (200, True)


def test_headers_of_a_blob(client: httpx.Client, stored: tuple[bytes, str]) -> None:
    data, sha256 = stored
    for response in (client.get(f"/blobs/{sha256}"), client.head(f"/blobs/{sha256}")):
        assert response.status_code == 200
        assert response.headers["etag"] == f'"sha256:{sha256}"'
        assert response.headers["content-length"] == str(len(data))
        assert response.headers["content-type"] == "application/octet-stream"
        assert response.headers["accept-ranges"] == "bytes"
        assert "immutable" in response.headers["cache-control"]
    assert client.head(f"/blobs/{sha256}").content == b""


ZEROS = "0" * 64
RANGES = [
    ("bytes=0-0", 0, 1),
    ("bytes=100-", 100, 3_000_000),
    ("bytes=1000-1999999", 1000, 2_000_000),
    ("bytes=2999999-99999999", 2_999_999, 3_000_000),
    ("bytes=-5", 2_999_995, 3_000_000),
    ("bytes=-99999999", 0, 3_000_000),
]


@pytest.mark.parametrize(("asked", "start", "end"), RANGES)
def test_a_range(client: httpx.Client, stored: tuple[bytes, str], asked: str, start: int, end: int) -> None:
    data, sha256 = stored
    got = client.get(f"/blobs/{sha256}", headers={"Range": asked})
    assert got.status_code == 206
    assert got.headers["content-range"] == f"bytes {start}-{end - 1}/{len(data)}"
    assert got.content == data[start:end]


@pytest.mark.parametrize("asked", ["bytes=", "bytes=-", "bytes=5-3", "bytes=0-1,5-6", "lines=0-1", "bytes=a-b", "0-1"])
def test_a_range_nobody_understands_gets_everything(
    client: httpx.Client, stored: tuple[bytes, str], asked: str
) -> None:
    got = client.get(f"/blobs/{stored[1]}", headers={"Range": asked})
    assert (got.status_code, len(got.content)) == (200, len(stored[0]))


@pytest.mark.parametrize("asked", ["bytes=3000000-", "bytes=3000000-3000001", "bytes=999999999999999999-", "bytes=-0"])
def test_a_range_with_no_byte_is_416(client: httpx.Client, stored: tuple[bytes, str], asked: str) -> None:
    got = client.get(f"/blobs/{stored[1]}", headers={"Range": asked})
    assert (got.status_code, error_code(got)) == (416, "invalid")
    assert got.headers["content-range"] == "bytes */3000000"


def test_if_range(client: httpx.Client, stored: tuple[bytes, str]) -> None:
    data, sha256 = stored
    asked = {"Range": "bytes=10-19"}
    fresh = client.get(f"/blobs/{sha256}", headers={**asked, "If-Range": f'"sha256:{sha256}"'})
    assert (fresh.status_code, fresh.content) == (206, data[10:20])
    stale = client.get(f"/blobs/{sha256}", headers={**asked, "If-Range": f'"sha256:{"0" * 64}"'})
    assert (stale.status_code, len(stale.content)) == (200, len(data))


def test_if_none_match(client: httpx.Client, stored: tuple[bytes, str]) -> None:
    sha256 = stored[1]
    known = client.get(f"/blobs/{sha256}", headers={"If-None-Match": f'"sha256:{sha256}"'})
    assert (known.status_code, known.content) == (304, b"")
    assert client.get(f"/blobs/{sha256}", headers={"If-None-Match": '"other"'}).status_code == 200


def test_one_connection_serves_one_request_after_the_other(client: httpx.Client) -> None:
    for size_bytes in (300_000, 5, 5_000_000, 1):
        data, sha256 = blob(size_bytes)
        assert client.put(f"/blobs/{sha256}", content=data).status_code == 201
        assert client.get(f"/blobs/{sha256}", headers={"Range": "bytes=0-3"}).content == data[:4]
        assert client.get(f"/blobs/{sha256}").content == data


def test_wrong_digest_is_refused_and_nothing_is_visible(client: httpx.Client) -> None:
    data, sha256 = blob(2_000_000)
    refused = client.put(f"/blobs/{sha256}", content=data[:-1] + bytes([data[-1] ^ 1]))
    assert (refused.status_code, error_code(refused)) == (422, "blob_corrupt")
    assert client.get(f"/blobs/{sha256}").status_code == 404
    assert client.put(f"/blobs/{sha256}", content=data).status_code == 201


def test_an_absent_blob(client: httpx.Client) -> None:
    absent = client.get(f"/blobs/{'0' * 64}")
    assert (absent.status_code, error_code(absent)) == (404, "not_found")
    assert client.head(f"/blobs/{'0' * 64}").status_code == 404


@pytest.mark.parametrize(
    "name", ["x", "A" * 64, "0" * 63, "0" * 65, "..%2f..%2fscrub.json", "%2e%2e", "0" * 64 + "%00"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
def test_what_is_no_digest_is_refused(blob_server: BlobProcess, method: str, name: str) -> None:
    with RawConnection(blob_server.port) as connection:
        connection.ask(method, f"/api/v1/blobs/{name}")
        assert connection.answer(method).status in (404, 422)


def test_a_chunked_body_is_refused(client: httpx.Client) -> None:
    data, sha256 = blob(10)

    def chunks() -> Iterator[bytes]:
        yield data

    refused = client.put(f"/blobs/{sha256}", content=chunks())
    assert (refused.status_code, error_code(refused)) == (422, "invalid")
    assert "Content-Length" in refused.json()["error"]["hint"]


def test_nobody_and_readers_may_not_write(blob_server: BlobProcess) -> None:
    data, sha256 = blob(1000)
    with blob_server.client(caller="") as nobody:
        for response in (
            nobody.put(f"/blobs/{sha256}", content=data),
            nobody.get(f"/blobs/{sha256}"),
            nobody.post("/uploads", json={"sha256": sha256, "size_bytes": 1000}),
            nobody.patch(f"/uploads/{'0' * 32}", content=b"x", headers={"Upload-Offset": "0"}),
            nobody.post(f"/uploads/{'0' * 32}/finish"),
        ):
            assert (response.status_code, error_code(response)) == (401, "unauthorized")
            assert "www-authenticate" in response.headers
    with blob_server.client(caller="reader") as reader:
        refused = reader.put(f"/blobs/{sha256}", content=data)
        assert (refused.status_code, error_code(refused)) == (403, "forbidden")
        assert reader.get(f"/blobs/{sha256}").status_code == 404


def test_services_are_told_of_each_blob(blob_server: BlobProcess, client: httpx.Client) -> None:
    data, sha256 = blob(1234)
    client.put(f"/blobs/{sha256}", content=data)
    client.put(f"/blobs/{sha256}", content=data)
    told = httpx.get(f"{blob_server.url}/told").json()
    assert told.count([sha256, 1234]) == 2


def test_curl_puts_and_gets(blob_server: BlobProcess, tmp_path: Path) -> None:
    data, sha256 = blob(9_000_000)
    (tmp_path / "file").write_bytes(data)
    url = f"{blob_server.url}/api/v1/blobs/{sha256}"

    def curl(*options: str) -> str:
        command = ["curl", "-sS", "-H", "Farm-Test-Caller: me", *options, url]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def put(expect: str) -> str:
        told = curl("-H", f"Expect: {expect}", "-T", str(tmp_path / "file"), "-w", " %{http_code} %{size_upload}")
        return told.split("}")[1]

    assert put("100-continue") == " 201 9000000"
    # Asked first, it learns that no byte is needed; otherwise it sends all for nothing, and still gets its answer.
    assert put("100-continue") == " 200 0"
    assert put("") == " 200 9000000"
    curl("-o", str(tmp_path / "got"))
    assert (tmp_path / "got").read_bytes() == data


def test_a_torn_put_leaves_nothing(blob_server: BlobProcess, client: httpx.Client) -> None:
    data, sha256 = blob(1_000_000)
    with RawConnection(blob_server.port) as connection:
        connection.ask("PUT", f"/api/v1/blobs/{sha256}", 1_000_000)
        connection.send(data[:700_000])
    assert client.get(f"/blobs/{sha256}").status_code == 404
    assert client.put(f"/blobs/{sha256}", content=data).status_code == 201


def test_a_reader_that_leaves_harms_nobody(blob_server: BlobProcess, client: httpx.Client) -> None:
    data, sha256 = blob(30_000_000)
    client.put(f"/blobs/{sha256}", content=data)
    for _ in range(5):
        with RawConnection(blob_server.port) as connection:
            connection.ask("GET", f"/api/v1/blobs/{sha256}")
            assert connection.receive(100_000)
    assert client.get(f"/blobs/{sha256}").content == data
