"""The client of an S3 server, and its errors as sentences.

boto3 is imported when a bucket is first used. Credentials and region are found by its own chain:
environment, profile, the machine's role.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from archive.model.errors import (
    SegmentError,
    StoreDeniedError,
    StoreError,
    StoreExistsError,
    StoreMissingError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds to connect, and to wait for bytes.
_CONNECT, _READ = 10, 60
#: How often a request is sent in all, with growing pauses, unless AWS_MAX_ATTEMPTS says otherwise.
_ATTEMPTS = 6
#: Signs requests where neither the environment nor a profile names a region.
_REGION = "us-east-1"
#: Connections of one client: parts are uploaded side by side.
_CONNECTIONS = 16

_CREDENTIALS = (
    "the server does not accept the credentials. Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
    " or the profile"
)
_MAY_NOT = "the server does not permit it. Give these credentials the right to {what}"
_BUSY = "the server is busy or out of order ({code}). Run the same command again later"
_ODD = (
    "the server answers {code}, as one that is busy, out of order, or none of S3. Check"
    " S3_ENDPOINT, or run the same command again later"
)
_SENTENCES = {
    "AccessDenied": _MAY_NOT,
    "403": _MAY_NOT,
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "ExpiredToken": "the credentials have expired. Fetch new ones and run the same command again",
    "RequestTimeTooSkewed": "the clock of this machine differs from the server's. Set it (as by "
    "NTP) and run the same command again",
    "PermanentRedirect": "the bucket is in another region. Name it in AWS_REGION",
    "301": "the bucket is in another region, or the server at S3_ENDPOINT is none of S3",
    "AuthorizationHeaderMalformed": "the bucket is in another region. Name it in AWS_REGION",
    "SlowDown": _BUSY,
    "InternalError": _BUSY,
    "ServiceUnavailable": _BUSY,
    "500": _ODD,
    "502": _ODD,
    "503": _ODD,
    "504": _ODD,
}
#: Codes of what is missing, and of a condition of ours that does not hold.
_NO_BUCKET, _NO_OBJECT = "NoSuchBucket", frozenset({"NoSuchKey", "404", "NoSuchVersion"})
_FAILED_CONDITION = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})


class ConditionError(Exception):
    """The object is not, or no longer, as the request demanded: not there, or of that content."""


class UnknownRequestError(Exception):
    """The server does not know what was asked for; not every server has all of S3."""


class NoUploadError(Exception):
    """There is no such unfinished upload: it was finished, or given up."""


class RangeError(Exception):
    """The object ends before the range begins."""


_OWN = {
    "InvalidRange": RangeError,
    "416": RangeError,
    "NoSuchUpload": NoUploadError,
    "NotImplemented": UnknownRequestError,
    "501": UnknownRequestError,
    "MethodNotAllowed": UnknownRequestError,
}


def client_of(endpoint: str) -> Any:
    """Return the client of a server, one for each process; ``""`` is Amazon's.

    :raises SegmentError: boto3 is not installed, or its configuration is wrong.
    """
    return _client(endpoint, os.getpid())


@cache
def _client(endpoint: str, _: int) -> Any:
    # It says where it found credentials, which is no progress of ours.
    logging.getLogger("botocore.credentials").setLevel(logging.WARNING)
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise SegmentError(
            "An archive in S3 needs boto3, which is not installed: pip install 'sacho[s3]'."
        ) from error
    retries: dict[str, Any] = {"mode": "standard"}
    if "AWS_MAX_ATTEMPTS" not in os.environ:
        retries["total_max_attempts"] = _ATTEMPTS
    config = Config(
        connect_timeout=_CONNECT,
        read_timeout=_READ,
        retries=retries,
        max_pool_connections=_CONNECTIONS,
        # Other servers than Amazon's know buckets by path, and not all of the newer checksums;
        # what is written carries its sha256 all the same.
        s3={"addressing_style": "path" if endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        session = boto3.session.Session()
        region = session.region_name or _REGION
        return session.client(
            "s3", endpoint_url=endpoint or None, region_name=region, config=config
        )
    except (BotoCoreError, ValueError) as error:
        raise SegmentError(
            f"S3 cannot be used: {_plain(error)}. Check the variables AWS_… and the profile."
        ) from error


@contextmanager
def sentences(place: str, bucket: str, endpoint: str, what: str) -> Iterator[None]:
    """Raise errors of boto3 within the block as those of this module, or as `StoreError`.

    ``place`` is what sentences call the object, ``what`` the right that the request needs.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise _of_server(error, place, bucket, what, endpoint or "Amazon") from error
    except ResponseParserError as error:
        server = endpoint or "Amazon"
        text = f"what answers at {server} is no server of S3. Check S3_ENDPOINT"
        raise StoreError.at(place, text) from error
    except (BotoCoreError, ValueError) as error:
        raise StoreError.at(place, _of_network(error, endpoint)) from error


def _of_server(error: Any, place: str, bucket: str, what: str, server: str) -> Exception:
    """Return the error to raise for an answer of the server."""
    about = error.response.get("Error", {})
    code = str(about.get("Code", ""))
    if code in _OWN:
        return _OWN[code](str(about.get("Message", code)))
    if code == _NO_BUCKET:
        text = f"there is no bucket {bucket}. Create it, or name another one in ARCHIVE_URL"
        return StoreError.at(place, text)
    if code == "404" and what.startswith("list"):
        text = f"there is no bucket {bucket}, or {server} is no server of S3. Check S3_ENDPOINT"
        return StoreError.at(place, text)
    if code in _NO_OBJECT:
        return StoreMissingError.at(place, "it does not exist")
    if code in _FAILED_CONDITION:
        return ConditionError(code)
    if code in _SENTENCES:
        text = _SENTENCES[code].format(what=what, code=code)
        kind = StoreDeniedError if _SENTENCES[code] is _MAY_NOT else StoreError
        return kind.at(place, text)
    return StoreError.at(place, f"the server answered {code}: {about.get('Message', '')}")


def exists(place: str) -> StoreExistsError:
    """Return the error of an object that is there already, with another content."""
    return StoreExistsError.at(
        place, "it exists already, with another content. Look what it is, and move it away"
    )


def _of_network(error: Exception, endpoint: str) -> str:
    from botocore import exceptions as of_boto

    server = endpoint or "Amazon"
    if isinstance(error, (of_boto.NoCredentialsError, of_boto.PartialCredentialsError)):
        return (
            "there are no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a"
            " profile in AWS_PROFILE"
        )
    if isinstance(error, of_boto.SSLError):
        reason = _plain(error).rpartition("[SSL")[2]
        return (
            f"the server at {server} speaks no TLS, or shows no certificate that is trusted"
            f" ([SSL{reason}). Check S3_ENDPOINT"
        )
    unreachable = (
        of_boto.EndpointConnectionError,
        of_boto.ConnectTimeoutError,
        of_boto.ConnectionClosedError,
        of_boto.ProxyConnectionError,
    )
    if isinstance(error, unreachable):
        return (
            f"the server at {server} cannot be reached, or ends connections. Check S3_ENDPOINT and"
            " the network, and run the same command again"
        )
    if isinstance(error, of_boto.ReadTimeoutError):
        return f"the server at {server} did not answer in time. Run the same command again later"
    if isinstance(error, (of_boto.ResponseStreamingError, of_boto.IncompleteReadError)):
        return f"the server at {server} ends its answers too early. Run the same command again"
    return _plain(error)


def _plain(error: Exception) -> str:
    """Return the text of an error on one line, without a full stop."""
    return " ".join(str(error).split()).removesuffix(".")
