"""`python -m ne_interactive.cli` is `ne-interactive`."""

import sys

from ne_interactive.cli.command import main

sys.exit(main())
