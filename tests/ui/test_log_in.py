"""Log-in in a real browser, against a provider on this machine: who comes in, who does not, and the way out."""

import pytest
from playwright.sync_api import Page, expect

from tests.ui.desk import CHROMIUM, Server, browser, picture
from tests.ui.provider import CLIENT_ID, CLIENT_SECRET, provider


def _set_up(server: Server, metadata: str, redirect_uri: str) -> None:
    """What docs/app.md tells to write."""
    (server.workspace / "poc.toml").write_text('let_in = "@desk.example"\n')
    fields = {
        "redirect_uri": redirect_uri,
        "cookie_secret": "0123456789abcdef0123456789abcdef",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "server_metadata_url": metadata,
    }
    path = server.workspace / "secrets.toml"
    path.write_text("[auth]\n" + "".join(f'{name} = "{value}"\n' for name, value in fields.items()))
    path.chmod(0o600)


def _log_in(page: Page, account: str) -> None:
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Account").fill(account)
    page.get_by_role("button", name="Continue").click()


def _expect_nothing_but_the_door(page: Page) -> None:
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    expect(page.get_by_role("link", name="History")).to_have_count(0)
    expect(page.get_by_text("There is no snapshot yet")).to_have_count(0)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; the log-in needs it.")
def test_only_who_is_let_in_sees_the_pages(server: Server) -> None:
    redirect_uri = f"{server.address}/oauth2callback"
    with provider(redirect_uri) as login:
        _set_up(server, f"{login.address}/.well-known/openid-configuration", redirect_uri)
        server.start()
        with browser(server, also=login.address) as page:
            for place in ("", "/history", "/results", "/snapshots"):
                page.goto(server.address + place)
                _expect_nothing_but_the_door(page)
            picture(page, "log-in")
            for stranger in ("eve@elsewhere.example", "unverified@desk.example"):
                _log_in(page, stranger)
                expect(page.get_by_text("This account is not let in.")).to_be_visible()
                expect(page.get_by_role("link", name="History")).to_have_count(0)
                picture(page, "log-in-stranger")
                page.get_by_role("button", name="Log out").click()
                _expect_nothing_but_the_door(page)
            _log_in(page, "ann@desk.example")
            expect(page.get_by_text("There is no snapshot yet")).to_be_visible()
            expect(page.get_by_role("link", name="History")).to_be_visible()
            expect(page.get_by_text("ann@desk.example")).to_be_visible()
            picture(page, "log-in-done")
            page.goto(f"{server.address}/history")
            expect(page.get_by_text("No run is logged yet")).to_be_visible()
            page.get_by_role("button", name="Log out").click()
            _expect_nothing_but_the_door(page)
            assert login.codes == {}, "every code that was given was exchanged"


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; the log-in needs it.")
def test_a_forged_answer_of_the_provider_lets_nobody_in(server: Server) -> None:
    redirect_uri = f"{server.address}/oauth2callback"
    with provider(redirect_uri) as login:
        _set_up(server, f"{login.address}/.well-known/openid-configuration", redirect_uri)
        server.start()
        with browser(server, also=login.address) as page:
            page.goto(f"{redirect_uri}?code=0&state=0")
            _expect_nothing_but_the_door(page)
