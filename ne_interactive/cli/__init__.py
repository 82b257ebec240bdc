"""The command line `ne-interactive`."""

from ne_interactive.cli.command import main

__all__ = ["main"]
