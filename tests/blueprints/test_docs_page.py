"""The browsable document in a real browser: nothing from elsewhere, nothing that the policy forbids, and it works."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask

from oneo.app import create_app
from tests import databases
from tests.factories.tenant import PASSWORD, TestTenant
from tests.live import serve

pytestmark = [pytest.mark.prove, pytest.mark.timeout(180)]


@dataclass
class Visit:
    """A page, and everything that went over the wire or onto the console."""

    page: Any
    address: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script(
            "document.addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective))"
        )
        self.page.goto(f"{self.address}/docs", wait_until="networkidle")
        self.page.wait_for_selector(".opblock")

    def _note(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def try_profile(self) -> str:
        """The status that "Try it out" shows for the caller's profile."""
        self.page.click("#operations-auth-get_profile .opblock-summary-control")
        self.page.click("#operations-auth-get_profile .try-out__btn")
        self.page.click("#operations-auth-get_profile .execute")
        shown = "#operations-auth-get_profile .live-responses-table tbody .response-col_status"
        self.page.wait_for_selector(shown)
        text: str = self.page.inner_text(shown)
        return text.split(maxsplit=1)[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium on this machine")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, app: Flask) -> Iterator[Visit]:
    with serve(app) as address:
        page = browser.new_page()
        yield Visit(page, address)
        page.close()


def _authorize(page: Any, token: str) -> None:
    page.click(".auth-wrapper .authorize")
    page.fill("#auth-bearer-value >> nth=0", token)
    page.click(".modal-ux .auth-btn-wrapper .authorize >> nth=0")
    page.click(".modal-ux .btn-done >> nth=0")


def test_a_pasted_token_makes_requests_succeed(visit: Visit, tenant: TestTenant) -> None:
    visit.open()
    _authorize(visit.page, tenant.api.token or "")
    assert visit.try_profile() == "200"
    assert visit.complaints == []
    assert all(url.startswith((visit.address, "data:")) for url in visit.requests), visit.requests


def test_a_login_on_the_page_makes_requests_succeed(visit: Visit, tenant: TestTenant) -> None:
    visit.open()
    _log_in(visit.page, tenant)
    assert visit.try_profile() == "200"
    assert visit.complaints == []


def test_a_closed_document_opens_with_a_login(browser: Any, database_address: str, tenant: TestTenant) -> None:
    closed = create_app(databases.settings(database_address, docs_public=False))
    with serve(closed) as address:
        page = browser.new_page()
        page.goto(f"{address}/docs", wait_until="networkidle")
        assert page.query_selector(".opblock") is None
        _log_in(page, tenant)
        page.wait_for_selector(".opblock")
        page.close()


def _log_in(page: Any, tenant: TestTenant) -> None:
    page.fill("#login [name=email]", tenant.admin.email)
    page.fill("#login [name=password]", PASSWORD)
    page.fill("#login [name=tenant]", tenant.slug)
    page.click("#login button")
    page.wait_for_selector("#outcome >> text=Logged in.")
