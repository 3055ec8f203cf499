"""On the disk a run is a directory, done is a file, its name is its configuration. Imports `config` and `machine`.

run           the directory of a run; checkpoint: everything that it goes on from; result: what it ends in
model         the trained network, with what is needed to use it
claim         one process a run
failure       why a run failed stays in its folder
events        TensorBoard's event files, on request
environment   where and by which code a run was made
disk          files that are whole or not there
schema        how the configuration has grown; migrate: older runs under their new names

Reports and launchers read runs, so `run`, `claim`, `disk`, `schema` and `migrate` import no torch.
"""
