"""Who is there, and who may see the pages (docs/app.md: who can reach it)."""

import getpass

import streamlit as st

from poc.data.catalog import default_workspace
from poc.settings import Settings


def asks_for_log_in() -> bool:
    """Whether log-in is set up: `[auth]` in the secrets file that `poc ui` names."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def is_let_in() -> bool:
    """Whether the visitor may see the pages: always, unless log-in is set up."""
    return not asks_for_log_in() or (
        bool(st.user.is_logged_in) and Settings.load(default_workspace()).lets_in(_address())
    )


def _address() -> str:
    """The mail address of the log-in; empty where there is none, or the provider says that it is not verified."""
    return str(st.user.get("email") or "") if st.user.get("email_verified", True) else ""


def visitor() -> str:
    """Who is there: the name of the log-in, else of the account that runs the app."""
    if asks_for_log_in():
        return str(st.user.get("email") or st.user.get("name") or "unknown")
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def show_door() -> None:
    """What a visitor sees who is not let in."""
    st.title("Backtest")
    if st.user.is_logged_in:
        st.error("This account is not let in. Ask whoever serves the app, or log in with another account.")
        show_account()
    else:
        st.write("Log in to see and start runs.")
        st.button("Log in", type="primary", on_click=st.login)


def show_account() -> None:
    """Who is logged in, and the way out; a warning where everybody is let in from elsewhere."""
    if asks_for_log_in():
        with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
            st.text(visitor(), width="content")
            st.button("Log out", type="tertiary", on_click=st.logout)
    elif not Settings(address=st.get_option("server.address") or "127.0.0.1").is_local:
        st.warning("Other machines can reach this app and there is no log-in: everyone who reaches it is let in.")
