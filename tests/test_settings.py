"""The settings of the app: where they come from, what is refused, and that the documentation has them all."""

import ast
import re
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import pytest

from poc import settings
from poc.errors import ConfigError
from poc.settings import LOG_IN_FIELDS, PREFIX, Settings, app_command, log_in_provider, who_is_let_in

PAGE = (Path(__file__).parents[1] / "docs" / "app.md").read_text()


def test_an_option_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "poc.toml").write_text('port = 1001\nworkers = 2\nupload_mb = 3\nmlflow_url = "http://runs.example"\n')
    environ = {"POC_UI_WORKERS": "4", "POC_UI_PORT": "1002", "POC_UI_ADDRESS": ""}
    found = Settings.load(tmp_path, environ=environ, port=1003, address=None)
    assert found == Settings(port=1003, workers=4, upload_mb=3, mlflow_url="http://runs.example")


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    assert Settings.load(tmp_path, environ={}) == Settings()


@pytest.mark.parametrize(
    ("file", "environ", "message"),
    [
        ("ports = 1", {}, "ports is not a setting; there are: address, port,"),
        ("port = 1.5", {}, r"port=1\.5 is not allowed; allowed: a whole number\."),
        ("workers = true", {}, "workers=True is not allowed; allowed: a whole number"),
        ("address = 5", {}, "address=5 is not allowed; allowed: text"),
        ("port =", {}, r"poc\.toml cannot be read"),
        ("", {"POC_UI_WORKERS": "many"}, "workers='many' is not allowed; allowed: a whole number"),
        ("", {"POC_UI_WORKERS": "0"}, "workers=0 is not allowed; allowed: a whole number from 1"),
        ("", {"POC_UI_PORT": "70000"}, "port=70000 is not allowed"),
        ("", {"POC_UI_MLFLOW_URL": "javascript:alert(1)"}, "mlflow_url='javascript"),
    ],
)
def test_a_value_that_is_not_allowed_is_named(tmp_path: Path, file: str, environ: dict[str, str], message: str) -> None:
    (tmp_path / "poc.toml").write_text(file)
    with pytest.raises(ConfigError, match=message):
        Settings.load(tmp_path, environ=environ)


def test_every_setting_is_documented_with_its_default_and_variable() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \| `(\w+)` \|", PAGE, re.M)
    documented = {name: (ast.literal_eval(default), variable) for name, default, variable in rows}
    assert documented == {field.name: (field.default, PREFIX + field.name.upper()) for field in fields(Settings)}


def test_the_app_is_served_to_this_machine_without_statistics(tmp_path: Path) -> None:
    command = app_command(Settings(upload_mb=7), tmp_path, allow_remote=False)
    assert {
        f"--secrets.files={tmp_path / 'secrets.toml'}",
        "--server.address=127.0.0.1",
        "--server.maxUploadSize=7",
        "--server.enableXsrfProtection=true",
        "--browser.gatherUsageStats=false",
    } <= set(command)
    assert Path(command[4]).is_file()


def test_another_address_has_to_be_allowed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="add --allow-remote"):
        app_command(Settings(address="0.0.0.0"), tmp_path, allow_remote=False)  # noqa: S104 - it is refused
    command = app_command(Settings(address="0.0.0.0"), tmp_path, allow_remote=True)  # noqa: S104 - nothing listens here
    assert "--server.address=0.0.0.0" in command


def test_without_streamlit_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert find_spec("streamlit") is not None
    monkeypatch.setattr(settings, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"pip install 'backtest-poc\[ui\]'"):
        app_command(Settings(), tmp_path, allow_remote=False)


AUTH = {
    "redirect_uri": "https://backtest.example/oauth2callback",
    "cookie_secret": "x" * 32,
    "client_id": "backtest",
    "client_secret": "secret",
    "server_metadata_url": "https://login.example/.well-known/openid-configuration",
}


def _write_secrets(folder: Path, *, mode: int = 0o600, **changes: str) -> None:
    path = folder / "secrets.toml"
    path.write_text("[auth]\n" + "".join(f'{name} = "{value}"\n' for name, value in (AUTH | changes).items()))
    path.chmod(mode)


def test_a_log_in_is_set_up_by_the_secrets_of_the_workspace(tmp_path: Path) -> None:
    assert log_in_provider(tmp_path) is None
    (tmp_path / "secrets.toml").write_text("[other]\n")
    assert log_in_provider(tmp_path) is None
    _write_secrets(tmp_path)
    assert log_in_provider(tmp_path) == AUTH["server_metadata_url"]
    example = re.search(r"```toml\n *\[auth\]\n(.+?)```", PAGE, re.S)
    assert example is not None
    assert re.findall(r"^ *(\w+) =", example[1], re.M) == list(LOG_IN_FIELDS)


@pytest.mark.parametrize(
    ("mode", "changes", "message"),
    [
        (0o640, {}, "Others can read .*Run: chmod 600"),
        (0o600, {"client_id": "", "cookie_secret": ""}, "lacks cookie_secret, client_id"),
        (0o600, {"cookie_secret": "short"}, "cookie_secret is too short; give 32"),
        (0o600, {"redirect_uri": "https://backtest.example"}, "it ends with /oauth2callback"),
    ],
)
def test_a_log_in_that_is_not_safe_or_not_whole_is_refused(
    tmp_path: Path, mode: int, changes: dict[str, str], message: str
) -> None:
    _write_secrets(tmp_path, mode=mode, **changes)
    with pytest.raises(ConfigError, match=message):
        log_in_provider(tmp_path)


@pytest.mark.parametrize(
    ("let_in", "inside", "outside"),
    [
        ("", ["ann@desk.example", ""], []),
        ("ann@desk.example", ["ann@desk.example", "Ann@Desk.Example"], ["ben@desk.example", "", "desk.example"]),
        ("eve@x.example, @desk.example", ["ben@desk.example", "eve@x.example"], ["a@x.example", "@desk.example",
         "ann@desk.example.org", "ann@sub.desk.example", "desk.example"]),
    ],
)  # fmt: skip
def test_who_is_let_in(let_in: str, inside: list[str], outside: list[str]) -> None:
    settings = Settings(let_in=let_in)
    assert [address for address in inside if not settings.lets_in(address)] == []
    assert [address for address in outside if settings.lets_in(address)] == []


def test_the_one_who_serves_it_is_told_who_is_let_in() -> None:
    assert "no log-in: everyone who reaches it" in who_is_let_in(Settings(), None)
    assert who_is_let_in(Settings(), "https://a").startswith("Let in: everyone whom https://a logs in.")
    assert "@desk.example" in who_is_let_in(Settings(let_in="@desk.example"), "https://a")
