"""The command line, behind the extra `[cli]`."""

import sys


def main() -> None:
    """The console script; without the extra it says what to install, and exits with 2."""
    try:
        from policykit.app import cli
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        print(
            f"缺少 {error.name}，请安装：pip install 'policykit[cli]'"
            f" / {error.name} is missing, install: pip install 'policykit[cli]'",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    cli.main()
