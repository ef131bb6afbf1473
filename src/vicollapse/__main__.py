"""`python -m vicollapse` is the command line."""

import sys

from vicollapse.cli import main

sys.exit(main())
