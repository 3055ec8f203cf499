"""Your own tables: each file here declares one, as `sweeps/meta_t/table1.py` does (docs/own-sweeps.md)."""
