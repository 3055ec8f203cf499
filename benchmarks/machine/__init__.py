"""The process and the machine under it: settings, device, signals, memory. Imports `benchmarks.errors` alone.

settings      every SSL_* environment variable, read in this one place
pretrained    where an encoder and its tokenizer lie: $SSL_DATA, an installed package, the hub
device        which device, its fast settings, and the state of its random generators
processors    which cores and GPUs it may use
signals       being asked to end
terminal      printing that never ends a training
progress      step, rate, loss and time left, on a terminal or in a log
malloc        freed memory stays with the process
identity      who a process is, and whether it still lives
"""
