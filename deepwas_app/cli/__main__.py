"""``python -m deepwas_app.cli``."""

import sys

from deepwas_app.cli import main

sys.exit(main())
