from __future__ import annotations

import hashlib
import os
import threading
from itertools import pairwise

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.waiting import until

from .blob_process import BlobProcess
from .raw_http import RawConnection
from .test_blobs import blob, error_code


def begin(client: httpx.Client, sha256: str, size_bytes: int) -> str:
    begun = client.post("/uploads", json={"sha256": sha256, "size_bytes": size_bytes})
    assert begun.status_code == 201
    assert begun.json()["offset_bytes"] == 0
    return str(begun.json()["id"])


def patch(client: httpx.Client, upload: str, offset: int, data: bytes) -> httpx.Response:
    return client.patch(f"/uploads/{upload}", content=data, headers={"Upload-Offset": str(offset)})


def offset_of(client: httpx.Client, upload: str) -> int:
    return int(client.head(f"/uploads/{upload}").headers["upload-offset"])


def test_an_upload_in_parts(client: httpx.Client) -> None:
    data, sha256 = blob(9_000_000)
    upload = begin(client, sha256, len(data))
    for start, end in ((0, 1), (1, 5_000_000), (5_000_000, 9_000_000)):
        sent = patch(client, upload, start, data[start:end])
        assert (sent.status_code, sent.headers["upload-offset"]) == (204, str(end))
        assert offset_of(client, upload) == end
    assert client.get(f"/blobs/{sha256}").status_code == 404
    for _ in range(2):
        finished = client.post(f"/uploads/{upload}/finish")
        assert (finished.status_code, finished.json()) == (201, {"sha256": sha256, "size_bytes": len(data)})
    assert client.get(f"/blobs/{sha256}").content == data


def test_posting_again_returns_the_open_upload(client: httpx.Client) -> None:
    data, sha256 = blob(100_000)
    upload = begin(client, sha256, len(data))
    patch(client, upload, 0, data[:40_000])
    again = client.post("/uploads", json={"sha256": sha256, "size_bytes": len(data)})
    assert (again.status_code, again.json()) == (201, {"id": upload, "offset_bytes": 40_000})


def test_what_is_there_needs_no_upload(client: httpx.Client) -> None:
    data, sha256 = blob(1000)
    client.put(f"/blobs/{sha256}", content=data)
    told = client.post("/uploads", json={"sha256": sha256, "size_bytes": len(data)})
    assert (told.status_code, told.json()) == (200, {"present": True, "sha256": sha256, "size_bytes": 1000})


def test_a_gap_is_409_with_the_offset(client: httpx.Client) -> None:
    data, sha256 = blob(1000)
    upload = begin(client, sha256, len(data))
    patch(client, upload, 0, data[:300])
    refused = patch(client, upload, 301, data[301:])
    assert (refused.status_code, error_code(refused)) == (409, "conflict")
    assert refused.json()["error"]["details"] == {"offset_bytes": 300}
    assert offset_of(client, upload) == 300


def test_beyond_the_declared_size_nothing_is_taken(client: httpx.Client) -> None:
    data, sha256 = blob(1000)
    upload = begin(client, sha256, len(data))
    refused = patch(client, upload, 0, data + b"!")
    assert (refused.status_code, error_code(refused)) == (422, "invalid")
    assert offset_of(client, upload) == 0


def test_finish_too_early_keeps_the_upload(client: httpx.Client) -> None:
    data, sha256 = blob(1000)
    upload = begin(client, sha256, len(data))
    patch(client, upload, 0, data[:999])
    refused = client.post(f"/uploads/{upload}/finish")
    assert (refused.status_code, error_code(refused)) == (409, "conflict")
    patch(client, upload, 999, data[999:])
    assert client.post(f"/uploads/{upload}/finish").status_code == 201


def test_wrong_bytes_are_refused_and_a_retry_succeeds(client: httpx.Client) -> None:
    data, sha256 = blob(1000)
    upload = begin(client, sha256, len(data))
    patch(client, upload, 0, bytes(1000))
    refused = client.post(f"/uploads/{upload}/finish")
    assert (refused.status_code, error_code(refused)) == (422, "blob_corrupt")
    assert client.get(f"/blobs/{sha256}").status_code == 404
    assert client.head(f"/uploads/{upload}").status_code == 404
    upload = begin(client, sha256, len(data))
    patch(client, upload, 0, data)
    assert client.post(f"/uploads/{upload}/finish").status_code == 201


def test_an_upload_is_its_owners_alone(blob_server: BlobProcess, client: httpx.Client) -> None:
    data, sha256 = blob(1000)
    upload = begin(client, sha256, len(data))
    with blob_server.client(caller="you") as you:
        assert you.head(f"/uploads/{upload}").status_code == 404
        assert patch(you, upload, 0, data).status_code == 404
        assert you.post(f"/uploads/{upload}/finish").status_code == 404
        assert begin(you, sha256, len(data)) != upload
    assert offset_of(client, upload) == 0


@pytest.mark.parametrize(
    "ask",
    [
        {},
        {"sha256": "0" * 64},
        {"sha256": "../../x", "size_bytes": 1},
        {"sha256": "0" * 64, "size_bytes": -1},
        {"sha256": "0" * 64, "size_bytes": "1"},
        {"sha256": "0" * 64, "size_bytes": True},
        {"sha256": "0" * 64, "size_bytes": 1, "name": "x" * 5000},
        {"sha256": "0" * 64, "size_bytes": 1, "name": "x"},
        [],
    ],
)
def test_an_announcement_that_cannot_be_right(client: httpx.Client, ask: object) -> None:
    refused = client.post("/uploads", json=ask)
    assert refused.status_code == 422
    assert error_code(refused) in ("invalid", "protocol")


def test_what_is_no_json_is_refused(client: httpx.Client) -> None:
    refused = client.post("/uploads", content=b"{")
    assert (refused.status_code, error_code(refused)) == (422, "protocol")


@pytest.mark.parametrize("size_bytes", [1 << 60, 10**40])
def test_an_absurd_size_is_507(client: httpx.Client, size_bytes: int) -> None:
    refused = client.post("/uploads", json={"sha256": "0" * 64, "size_bytes": size_bytes})
    assert (refused.status_code, error_code(refused)) == (507, "storage_full")


@pytest.mark.parametrize("offset", ["", "-1", "x", "1.0", "9" * 30, "0x0"])
def test_an_offset_that_is_none(client: httpx.Client, offset: str) -> None:
    upload = begin(client, blob(10)[1], 10)
    refused = client.patch(f"/uploads/{upload}", content=b"x", headers={"Upload-Offset": offset})
    assert (refused.status_code, error_code(refused)) == (422, "invalid")


@pytest.mark.parametrize("upload", ["x", "0" * 32, "..%2f..%2fx", "%2e%2e"])
def test_an_unknown_upload_is_404(client: httpx.Client, upload: str) -> None:
    assert client.head(f"/uploads/{upload}").status_code == 404
    assert client.patch(f"/uploads/{upload}", content=b"x", headers={"Upload-Offset": "0"}).status_code == 404
    assert client.post(f"/uploads/{upload}/finish").status_code == 404


def test_a_torn_patch_keeps_what_arrived(blob_server: BlobProcess, client: httpx.Client) -> None:
    data, sha256 = blob(6_000_000)
    upload = begin(client, sha256, len(data))
    with RawConnection(blob_server.port) as connection:
        connection.ask("PATCH", f"/api/v1/uploads/{upload}", len(data), Upload_Offset="0")
        connection.send(data[:3_333_333])
    until(lambda: offset_of(client, upload) == 3_333_333)
    assert patch(client, upload, 3_333_333, data[3_333_333:]).status_code == 204
    assert client.post(f"/uploads/{upload}/finish").status_code == 201
    assert client.get(f"/blobs/{sha256}").content == data


def test_two_transfers_of_one_upload_at_once(blob_server: BlobProcess) -> None:
    """Two submits of one user: neither is refused, and the blob is right."""
    data, sha256 = blob(20_000_000)
    statuses: list[int] = []
    together = threading.Barrier(2)

    def submit() -> None:
        with blob_server.client() as client:
            together.wait()
            told = client.post("/uploads", json={"sha256": sha256, "size_bytes": len(data)}).json()
            sent = patch(client, told["id"], told["offset_bytes"], data[told["offset_bytes"] :])
            statuses.append(sent.status_code)
            statuses.append(client.post(f"/uploads/{told['id']}/finish").status_code)

    both = [threading.Thread(target=submit) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(statuses) == [201, 201, 204, 204]
    with blob_server.client() as client:
        assert client.get(f"/blobs/{sha256}").content == data


def test_a_new_connection_need_not_wait_for_a_dead_one(blob_server: BlobProcess, client: httpx.Client) -> None:
    data, sha256 = blob(6_000_000)
    upload = begin(client, sha256, len(data))
    with RawConnection(blob_server.port) as hanging:
        hanging.ask("PATCH", f"/api/v1/uploads/{upload}", len(data), Upload_Offset="0")
        hanging.send(data[:1_000_000])
        assert patch(client, upload, 0, data).status_code == 204
        assert client.post(f"/uploads/{upload}/finish").status_code == 201
    assert client.get(f"/blobs/{sha256}").content == data


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.floats(0, 1), max_size=6), size_bytes=st.integers(0, 2_000_000))
def test_any_parts_make_the_same_blob(client: httpx.Client, cuts: list[float], size_bytes: int) -> None:
    data = os.urandom(size_bytes)
    sha256 = hashlib.sha256(data).hexdigest()
    told = client.post("/uploads", json={"sha256": sha256, "size_bytes": size_bytes})
    if told.status_code == 200:
        return  # the empty blob, in a second example
    edges = [0, *sorted(int(cut * size_bytes) for cut in cuts), size_bytes]
    for start, end in pairwise(edges):
        assert patch(client, told.json()["id"], start, data[start:end]).headers["upload-offset"] == str(end)
    assert client.post(f"/uploads/{told.json()['id']}/finish").status_code == 201
    assert client.get(f"/blobs/{sha256}").content == data
