"""What is measured, and the one loop that measures it. `run.py` is the file to open first."""

import os

if os.name != "posix":
    raise SystemExit("error: Linux and macOS are supported; on Windows, run the suite within WSL")
