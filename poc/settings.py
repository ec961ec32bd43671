"""Settings of the app: `poc.toml` in the workspace, and the environment, which goes before it (docs/app.md)."""

import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from poc.errors import ConfigError

FILE_NAME = "poc.toml"
SECRETS_NAME = "secrets.toml"
PREFIX = "POC_UI_"
LEAST_SECRET = 32
"""Characters of the secret that signs the cookies."""
LOG_IN_FIELDS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the app is served and how its jobs run.

    Args:
        address: network address to listen on.
        port: its port.
        upload_mb: largest signal file that can be uploaded, in megabytes.
        workers: jobs that run at once; the others wait in a queue.
        upload_days: uploaded files of jobs that ended so many days ago are deleted.
        job_threads: threads of a job; -1: one a core.
        job_minutes: after so long a job is ended and shown as failed.
        let_in: who may use the app after log-in: addresses such as `ann@desk.example`, or `@desk.example` for all of a
            domain, separated by commas; empty: everyone whom the provider logs in.
        mlflow_url: address of an MLflow server's pages, for links to a run; empty: no links.

    Raises:
        ConfigError: a value that is not allowed.
    """

    address: str = "127.0.0.1"
    port: int = 8501
    upload_mb: int = 200
    upload_days: int = 30
    workers: int = 1
    job_threads: int = -1
    job_minutes: int = 720
    let_in: str = ""
    mlflow_url: str = ""

    def __post_init__(self) -> None:
        numbers = [field.name for field in fields(self) if isinstance(field.default, int)]
        for name in numbers:
            value, least = getattr(self, name), -1 if name == "job_threads" else 1
            if value < least or (name == "port" and value > 65535):
                raise ConfigError(f"{name}={value!r} is not allowed; allowed: a whole number from {least}.")
        if self.mlflow_url and not self.mlflow_url.startswith(("http://", "https://")):
            raise ConfigError(f"mlflow_url={self.mlflow_url!r} is not allowed; allowed: an address with http or https.")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the app."""
        return self.address in ("127.0.0.1", "::1", "localhost")

    def lets_in(self, address: str) -> bool:
        """Whether the holder of a mail address that the provider vouches for may use the app."""
        allowed = [word.strip().lower() for word in self.let_in.split(",") if word.strip()]
        name, _, domain = address.lower().rpartition("@")
        return not allowed or (bool(name) and (address.lower() in allowed or f"@{domain}" in allowed))

    @classmethod
    def load(cls, workspace: Path, *, environ: Mapping[str, str] = os.environ, **options: str | int | None) -> Self:
        """The settings of a workspace.

        Args:
            workspace: folder that may hold `poc.toml`.
            environ: where variables such as `POC_UI_PORT` are looked up.
            options: go before both; None: not given.

        Raises:
            ConfigError: the file cannot be read, or a setting is unknown or has a value that is not allowed.
        """
        known = {field.name: type(field.default) for field in fields(cls)}
        given = _read(workspace / FILE_NAME)
        given |= {name: environ[PREFIX + name.upper()] for name in known if environ.get(PREFIX + name.upper())}
        given |= {name: value for name, value in options.items() if value is not None}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ConfigError(f"{FILE_NAME}: {', '.join(unknown)} is not a setting; there are: {', '.join(known)}.")
        return cls(**{name: _convert(name, value, known[name]) for name, value in given.items()})


def log_in_provider(workspace: Path) -> str | None:
    """The address of the provider that visitors log in with (`[auth]` in secrets.toml); None: there is no log-in.

    Raises:
        ConfigError: the file cannot be read, others can read it, or it lacks something.
    """
    path = workspace / SECRETS_NAME
    auth = _read(path).get("auth")
    if auth is None:
        return None
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"Others can read {path}, which holds secrets. Run: chmod 600 {path}")
    missing = [name for name in LOG_IN_FIELDS if not isinstance(auth.get(name), str) or not auth[name]]
    if missing:
        raise ConfigError(f"{path}: [auth] lacks {', '.join(missing)}. docs/app.md shows a whole one.")
    if not auth["redirect_uri"].endswith("/oauth2callback"):
        raise ConfigError(
            f"{path}: redirect_uri={auth['redirect_uri']!r} is not allowed; it ends with /oauth2callback."
        )
    if len(auth["cookie_secret"]) < LEAST_SECRET:
        raise ConfigError(f"{path}: cookie_secret is too short; give {LEAST_SECRET} random characters or more.")
    return str(auth["server_metadata_url"])


def who_is_let_in(settings: Settings, provider: str | None) -> str:
    """A sentence for the one who serves the app to other machines."""
    if provider is None:
        return "There is no log-in: everyone who reaches it reads all results and runs jobs under your account."
    if settings.let_in:
        return f"Let in after log-in with {provider}: {settings.let_in} (setting let_in)."
    return f"Let in: everyone whom {provider} logs in. To let in fewer, set let_in (docs/app.md)."


def app_command(settings: Settings, workspace: Path, *, allow_remote: bool) -> list[str]:
    """The command line that serves the app. The app is named by its file, so that nothing of it is imported here.

    Raises:
        ConfigError: Streamlit is not installed, or the address is open to other machines and that was not allowed.
    """
    if find_spec("streamlit") is None:
        raise ConfigError("The app needs Streamlit. Install it: pip install 'backtest-poc[ui]'")
    if not settings.is_local and not allow_remote:
        raise ConfigError(
            f"address={settings.address!r} lets other machines reach the app. If that is meant, add --allow-remote."
        )
    options = {
        "server.address": settings.address,
        "server.port": settings.port,
        "server.headless": "true",
        "server.maxUploadSize": settings.upload_mb,
        "server.enableXsrfProtection": "true",
        "server.enableCORS": "true",
        "server.fileWatcherType": "none",
        "secrets.files": str(workspace.absolute() / SECRETS_NAME),
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "runner.magicEnabled": "false",
        "theme.light.primaryColor": "#0072B2",
        "theme.dark.primaryColor": "#4AA3DF",
    }
    app = Path(__file__).parent / "ui" / "app.py"
    words = [sys.executable, "-m", "streamlit", "run", str(app)]
    return words + [f"--{name}={value}" for name, value in options.items()]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}. Correct it, or delete it.") from None


def _convert(name: str, value: Any, kind: type) -> Any:
    """A setting in its type; the environment holds text."""
    if type(value) is kind:
        return value
    if kind is int and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    raise ConfigError(f"{name}={value!r} is not allowed; allowed: {'a whole number' if kind is int else 'text'}.")
