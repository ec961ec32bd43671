import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "docs" / "validate.py"


def test_the_validation_page_shows_what_the_engine_gives_now(real_data: Path) -> None:
    """The command also refuses a correlation with a published factor that is too low."""
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"],
        env=os.environ | {"POC_REAL_DATA": str(real_data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
