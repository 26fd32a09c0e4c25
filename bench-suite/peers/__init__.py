"""Other libraries' convolutions, run beside tapwise: a process for each, spoken to by JSON lines.

One module a library. It has `NAME`, `version()`, `start(threads)` and `prepare(task)`, which answers
with the ways in which the library can run the task: a dict from the name of a form (the memory order
of the pictures, in and out) to a `Form`. `Cannot` says why there is none. One that filters images has
`image_filter(task)` as well, with a form for each function that serves. `serve.py` is the protocol.
"""
