"""The protocol: one JSON object a line in, one out.

First the peer says `{"peer": NAME, "version": VERSION}`. Then, for each request:

- `{"do": "prepare", "shape": {...}, "input": FILE, "filter": FILE}`, files of raw f32 in the orders
  `[N, H, W, C_in]` and `[K_h, K_w, C_in / groups, C_out]`, gives `{"forms": [NAME, ...]}` or
  `{"cannot": REASON}`;
- `{"do": "filter", "operation": NAME, "sigma": S, "picture": [H, W, C], "numbers": TYPE, "output": TYPE, "size":
  [K_h, K_w], "filters": N, "input": FILE, "weights": FILE}` does the same for image filters: `[H, W, C]` of
  `f32` or `u8`, and weights `[N, K_h, K_w]` of f32. Beyond the edges of the picture its last pixels are
  repeated. Answers are `[N, H, W, C]` of the type that `output` names;
- `{"do": "answer", "form": NAME, "output": FILE}` runs once and writes `[N, H', W', C_out]` as raw
  f32, or what a filter answers, gives `{"elements": COUNT}`;
- `{"do": "run", "form": NAME, "repeats": COUNT, "warm": W}` runs for W seconds or more first, and
  gives `{"seconds": S}` of `repeats` runs together after that.

A request that fails gives `{"error": REASON}`. The end of the input ends the process.
"""

import importlib
import json
import os
import sys
import time

import numpy

from .task import Cannot, FilterTask, Task


def serve(module, threads):
    # What libraries print must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        peer = importlib.import_module("." + module, __package__)
        peer.start(threads)
        say({"peer": peer.NAME, "version": peer.version()})
    except Exception as error:
        say({"error": f"{type(error).__name__}: {error}"})
        return 1
    forms, numbers = {}, numpy.float32
    for line in sys.stdin:
        try:
            request = json.loads(line)
            if request["do"] == "prepare":
                # The last problem's memory is given back before the next one takes its own.
                forms, numbers = {}, numpy.float32
                forms = peer.prepare(Task.read(request))
                say({"forms": list(forms)})
            elif request["do"] == "filter":
                forms, numbers = {}, getattr(numpy, {"f32": "float32", "u8": "uint8"}[request["output"]])
                if not hasattr(peer, "image_filter"):
                    raise Cannot("it is measured on layers alone")
                forms = peer.image_filter(FilterTask.read(request))
                say({"forms": list(forms)})
            elif request["do"] == "answer":
                form = forms[request["form"]]
                form.run()
                answer = numpy.ascontiguousarray(form.answer(), dtype=numbers)
                answer.tofile(request["output"])
                say({"elements": answer.size})
            elif request["do"] == "run":
                run = forms[request["form"]].run
                warm(run, request["warm"])
                say({"seconds": seconds(run, request["repeats"])})
            else:
                say({"error": f"unknown request {request['do']!r}"})
        except Cannot as reason:
            say({"cannot": str(reason)})
        except Exception as error:
            text = " ".join(str(error).split())
            say({"error": f"{type(error).__name__}: {text[:300]}"})
    return 0


def warm(run, least):
    end = time.perf_counter() + least
    while least > 0 and time.perf_counter() < end:
        run()


def seconds(run, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return time.perf_counter() - start
