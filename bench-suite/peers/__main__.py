"""`python -m peers MODULE --threads N --cores 0,1` serves one library on the standard streams."""

import argparse
import os
import sys

parser = argparse.ArgumentParser(prog="peers")
parser.add_argument("module")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--cores", default="")
arguments = parser.parse_args()

# Before any library looks at the machine: it may run on these cores alone, and its threads rest
# soon after a run, so that the next contender has the cores to itself.
if arguments.cores and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [int(core) for core in arguments.cores.split(",")])
os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
os.environ.setdefault("KMP_BLOCKTIME", "1")

from .serve import serve  # noqa: E402

sys.exit(serve(arguments.module, arguments.threads))
