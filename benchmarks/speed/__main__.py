import sys

from benchmarks.speed.ratios import main

sys.exit(main(sys.argv[1:]))
