"""`python -m benchmarks.speed` is the first of them: ratios of steps (`benchmarks.speed.ratios`)."""

import sys

from benchmarks.speed.ratios import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
