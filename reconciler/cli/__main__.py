"""`python -m reconciler.cli`, the same as `homeostat`."""

import sys

from reconciler.cli import main

sys.exit(main())
