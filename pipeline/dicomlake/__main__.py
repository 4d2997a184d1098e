"""``python -m dicomlake``: the command line."""

import sys

if __name__ == "__main__":  # a worker process imports this module too, and must not start the command again
    from dicomlake.cli import main

    sys.exit(main())
