import sys

from benchmarks.bench.ratios import main

sys.exit(main(sys.argv[1:]))
