"""A server of S3 on this machine (moto), and a door before it that counts requests and makes faults."""

from __future__ import annotations

import atexit
import http.client
import logging
import os
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import boto3
import botocore.loaders
import botocore.session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What the programs that we start see, besides the address.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_NUMBERS = count(1)
#: The smallest part that the server takes: small, so that small segments have many.
PART_BYTES = 512


@cache
def server() -> str:
    """Start a server that ends with this process; return its address."""
    os.environ["S3_UPLOAD_PART_MIN_SIZE"] = "1"  # read when it is imported
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    _share_models()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # not a line for each request
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    atexit.register(running.stop)
    host, port = running.get_host_and_port()
    return f"http://{host}:{port}"


def _share_models() -> None:
    """Let all clients of this process share what botocore reads of its services.

    A test's own door has an address of its own, and so a client, for which 2 MB of JSON were read.
    """
    botocore.session.create_loader = cache(botocore.loaders.create_loader)


def client() -> Any:
    """A client of boto3, that knows nothing of ours."""
    return _client(os.getpid())


@cache
def _client(_: int) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server(),
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def new_bucket() -> str:
    """Create an empty bucket; return its name."""
    name = f"bucket-{os.getpid()}-{next(_NUMBERS)}"
    client().create_bucket(Bucket=name)
    return name


def fill(bucket: str, names: list[str], data: bytes) -> None:
    """Write many objects, past the network."""
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    for name in names:
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket, name, data)


def keys(bucket: str) -> dict[str, int]:
    """The objects of a bucket with their sizes."""
    pages = client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", ())}


def unfinished(bucket: str) -> list[str]:
    """The keys of the unfinished uploads of a bucket."""
    found = client().list_multipart_uploads(Bucket=bucket)
    return [one["Key"] for one in found.get("Uploads", ())]


@dataclass(frozen=True)
class Seen:
    """A request that came to the door."""

    method: str
    path: str
    query: str
    range: str
    body: int

    @property
    def key(self) -> str:
        """The key of the object, without its bucket."""
        return unquote(self.path.lstrip("/").partition("/")[2])


@dataclass
class Fault:
    """What happens to the requests that it is for; ``times`` of them, ever if negative.

    ``cut``: the connection is reset in the middle of the request. ``lose``: the request is carried
    out, and the connection reset instead of an answer. ``half``: half of the answer is sent.
    ``status``: an error with a code of S3. ``slow``: a pause before the answer.
    """

    kind: str
    matches: Callable[[Seen], bool] = lambda _: True
    times: int = 1
    status: int = 503
    code: str = "SlowDown"
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def takes(self, seen: Seen) -> bool:
        with self.lock:
            if not self.times or not self.matches(seen):
                return False
            self.times -= 1
            return True


class Door:
    """A proxy before the server: ``seen`` are the requests, ``faults`` what is done to them."""

    def __init__(self, target: str = "") -> None:
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        #: Called with each request before it is passed on; after it, the connection may be gone.
        self.watch: Callable[[Seen], None] = lambda _: None
        host, _, port = (target or server()).removeprefix("http://").partition(":")
        door = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while door._serve(self, host, int(port)):
                    pass

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def of(self, method: str, ending: str = "") -> list[Seen]:
        """The requests of a method for objects whose names end so."""
        return [one for one in self.seen if one.method == method and one.key.endswith(ending)]

    def _serve(self, handler: socketserver.StreamRequestHandler, host: str, port: int) -> bool:
        """Answer one request; return whether the connection stays."""
        try:
            head = list(_head(handler))
            if not head:
                return False
            return self._pass_on(handler, head, host, port)
        except (ConnectionError, TimeoutError):
            return False

    def _pass_on(
        self, handler: socketserver.StreamRequestHandler, head: list[bytes], host: str, port: int
    ) -> bool:
        method, target, _ = head[0].decode("latin-1").split(" ", 2)
        fields = dict(_field(line) for line in head[1:])
        length = int(fields.get("content-length", 0))
        path, _, query = target.partition("?")
        seen = Seen(method, path, query, fields.get("range", ""), length)
        self.seen.append(seen)
        self.watch(seen)
        fault = next((one for one in self.faults if one.takes(seen)), None)
        kind = fault.kind if fault is not None else ""
        if fields.get("expect", "").lower() == "100-continue":
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if kind == "cut":
            handler.rfile.read(length // 2)
            return _reset(handler)
        body = handler.rfile.read(length)
        if kind == "status":
            assert fault is not None
            text = f"<Error><Code>{fault.code}</Code><Message>so it is</Message></Error>".encode()
            handler.wfile.write(
                f"HTTP/1.1 {fault.status} X\r\nContent-Length: {len(text)}\r\n\r\n".encode()
                + (b"" if method == "HEAD" else text)
            )
            return True
        answer = _ask(host, port, method, target, fields, body)
        if kind == "lose":
            return _reset(handler)
        if kind == "slow":
            assert fault is not None
            threading.Event().wait(fault.seconds)
        if kind == "half":
            body_at = answer.index(b"\r\n\r\n") + 4
            handler.wfile.write(answer[: (body_at + len(answer)) // 2])
            return _reset(handler)
        handler.wfile.write(answer)
        return True


def _head(handler: socketserver.StreamRequestHandler) -> Iterator[bytes]:
    while (line := handler.rfile.readline().rstrip(b"\r\n")) != b"":
        yield line


def _field(line: bytes) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").partition(":")
    return name.strip().lower(), value.strip()


def _ask(
    host: str, port: int, method: str, target: str, fields: dict[str, str], body: bytes
) -> bytes:
    """The whole answer of the server, as bytes."""
    asked = http.client.HTTPConnection(host, port, timeout=120)
    try:
        passed = {k: v for k, v in fields.items() if k not in ("expect", "connection")}
        asked.request(method, target, body, passed)
        answer = asked.getresponse()
        data = answer.read()
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        left_out = ("connection", "transfer-encoding", "content-length")
        lines += [f"{k}: {v}" for k, v in answer.getheaders() if k.lower() not in left_out]
        size = answer.getheader("content-length") if method == "HEAD" else str(len(data))
        lines.append(f"Content-Length: {size or 0}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data
    finally:
        asked.close()


def _reset(handler: socketserver.StreamRequestHandler) -> bool:
    """Break the connection off, so that the client has an error and no end."""
    linger = b"\x01\0\0\0\0\0\0\0"
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.shutdown(socket.SHUT_RDWR)
    return False


def uploads(bucket: str) -> list[dict[str, Any]]:
    """The unfinished uploads of a bucket, as boto3 gives them."""
    found: list[dict[str, Any]] = client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return found


def parts(bucket: str, key: str, upload: str) -> list[dict[str, Any]]:
    """The parts that the server has of an upload."""
    pages = client().get_paginator("list_parts").paginate(Bucket=bucket, Key=key, UploadId=upload)
    return [one for page in pages for one in page.get("Parts", ())]
