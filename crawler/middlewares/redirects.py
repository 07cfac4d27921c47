"""Follow redirects, where the address that they lead to can be requested at all."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from w3lib.url import safe_url_string

from archive.http.message import REDIRECT_STATUSES
from crawler.httpclient.errors import RequestRefused
from crawler.httpclient.request import check_url, shortened

if TYPE_CHECKING:
    from collections.abc import Container

    from scrapy import Request
    from scrapy.http import Response


class CheckedRedirectMiddleware(RedirectMiddleware):
    """Scrapy's RedirectMiddleware, for which an invalid Location is an outcome and no exception.

    Settings and meta keys are its own, as Scrapy documents them, and ``redirect_hosts``: the hosts
    to which the request may be redirected, None for any.
    """

    def process_response(  # type: ignore[override]  # Scrapy's has a deprecated argument
        self, request: Request, response: Response
    ) -> Request | Response:
        """Return the response, or the request to which it redirects.

        :raises RequestRefused: no request can be made of the Location.
        """
        location = response.headers.get("Location")
        if location is not None and self._leads_on(request, response):
            _check_location(response.url, location, request.meta.get("redirect_hosts"))
        return super().process_response(request, response)

    def _leads_on(self, request: Request, response: Response) -> bool:
        """Return whether the response is a redirect that the request wants to be followed."""
        handled = request.meta.get("handle_httpstatus_list", ())
        return (
            response.status in REDIRECT_STATUSES
            and response.status not in handled
            and not request.meta.get("dont_redirect")
            and not request.meta.get("handle_httpstatus_all")
        )


def _check_location(base: str, location: bytes, hosts: Container[str] | None) -> None:
    """Check the URL that a Location names.

    :raises RequestRefused: no request can be made of it, or its host is none of ``hosts``.
    """
    try:
        url = urljoin(base, safe_url_string(location))
        check_url(url)
        if hosts is not None and urlsplit(url).hostname not in hosts:
            raise RequestRefused("its host is none of the outlet's")
    except (ValueError, RequestRefused) as error:
        where = shortened(location.decode("latin-1"))
        raise RequestRefused(f"the redirect to {where} is not followed: {error}") from error
