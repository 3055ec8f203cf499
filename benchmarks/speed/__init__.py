"""What a training step costs (docs/performance.md says how each figure there was made). Imports all of `benchmarks`.

python -m benchmarks.speed             steps as ratios of each other, timed in turn          make bench
python -m benchmarks.speed.phases      where the time of one method's step goes              make profile METHOD=meta_t
python -m benchmarks.speed.scaling     step time and memory over batch, width and classes    make bench-scaling
python -m benchmarks.speed.together    1, 2, 4, 8 runs that share one machine                make bench-together
python -m benchmarks.speed.gpu         everything of a GPU, in ten minutes                   make bench-gpu
python -m benchmarks.speed.methods     a step of every method over FixMatch's                make bench-methods
python -m benchmarks.speed.texts       padding, tokens a second, an encoder's step           make bench-text
python -m benchmarks.speed.real        real runs of ten minutes each                         make real

ratios and steps say what is compared, peers what with semilearn in a process of its own, clock how it is measured,
options what the commands take.
"""

import os

# before torch is there: its profiler warns in every process, and logs an error where there is no GPU
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
os.environ.setdefault("KINETO_LOG_LEVEL", "99")
