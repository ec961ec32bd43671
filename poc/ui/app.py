"""The app: navigation only. Started by `poc ui`."""

import streamlit as st

from poc.errors import PocError
from poc.ui.common import literal, warm_up
from poc.ui.log_in import is_let_in, show_account, show_door

PAGES = (
    ("run_suite.py", "Run suite", ":material/play_arrow:"),
    ("results.py", "Results", ":material/insights:"),
    ("history.py", "History", ":material/history:"),
    ("snapshots.py", "Snapshots", ":material/database:"),
)
STYLE = "<style>.stMainBlockContainer { padding-top: 4.5rem; }</style>"  # pages begin right below the navigation


def main() -> None:
    """Show the page that is asked for; whatever is wrong is said in a sentence."""
    st.set_page_config(page_title="Backtest", page_icon="📈", layout="wide")
    st.html(STYLE)
    pages = [st.Page(file, title=title, icon=icon, default=file == PAGES[0][0]) for file, title, icon in PAGES]
    try:
        inside = is_let_in()
        page = st.navigation(pages, position="top" if inside else "hidden")
        if inside:
            show_account()
            warm_up()
            page.run()
        else:
            show_door()
    except PocError as error:
        st.error(literal(str(error)))


if __name__ == "__main__":
    main()
