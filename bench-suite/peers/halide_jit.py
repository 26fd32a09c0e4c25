"""Halide: an image filter compiled for its weights, taps and a tile of outputs unrolled."""

import os
from importlib import metadata

import halide
import numpy

from .task import Form

NAME = "Halide"
THREADS = 1
# Vectors across a tile of outputs and its rows: their sums stay in registers.
LANES, VECTORS, ROWS = 16, 2, 4
# Rows that are padded at once, and that one thread takes at once.
STRIP = 40
# Taps up to which all are written out; more take minutes to compile.
UNROLLED = 25


def version():
    return metadata.version("halide")


def start(threads):
    global THREADS
    THREADS = threads
    os.environ["HL_NUM_THREADS"] = str(threads)


def prepare(task):
    task.require(task.c_in == 1 and task.c_out == 1, "the schedule here is for one channel")
    task.require(task.batch == 1 and task.stride == [1, 1], "the schedule here has no strides")
    task.require(task.output[0] >= STRIP and task.output[1] >= LANES * VECTORS, "the picture is too small")
    top, left = task.pads[:2]
    down, across = task.dilation
    x, y, xo, yo, xi, yi, strip, row = (halide.Var(name) for name in "x y xo yo xi yi strip row".split())
    picture = halide.ImageParam(halide.Float(32), 2)
    padded = halide.BoundaryConditions.constant_exterior(picture, 0.0)
    rows = halide.Func("rows")
    rows[x, y] = padded[x, y]
    out = halide.Func("out")
    tiles = (LANES * VECTORS, ROWS)
    if task.kernel[0] * task.kernel[1] <= UNROLLED:
        total = None
        for (a, b), weight in numpy.ndenumerate(task.filter[:, :, 0, 0]):
            term = halide.f32(float(weight)) * rows[x + int(b) * across - left, y + int(a) * down - top]
            total = term if total is None else total + term
        out[x, y] = total
        out.split(y, strip, row, STRIP).tile(x, row, xo, yo, xi, yi, *tiles).vectorize(xi, LANES).unroll(xi).unroll(yi)
    else:
        weights = halide.Buffer(numpy.ascontiguousarray(task.filter[:, :, 0, 0]))
        taps = halide.RDom([(0, task.kernel[1]), (0, task.kernel[0])])
        sums = halide.Func("sums")
        sums[x, y] = 0.0
        sums[x, y] += weights[taps.x, taps.y] * rows[x + taps.x * across - left, y + taps.y * down - top]
        out[x, y] = sums[x, y]
        out.split(y, strip, row, STRIP).tile(x, row, xo, yo, xi, yi, *tiles).vectorize(xi, LANES).unroll(xi).unroll(yi)
        sums.compute_at(out, xo).vectorize(x, LANES).unroll(x).unroll(y)
        sums.update().reorder(x, y, taps.x, taps.y).vectorize(x, LANES).unroll(x).unroll(y).unroll(taps.x)
    rows.compute_at(out, strip).vectorize(x, LANES)
    if THREADS > 1:
        out.parallel(strip)
    target = halide.get_jit_target_from_environment()
    target = target.with_feature(halide.TargetFeature.NoAsserts).with_feature(halide.TargetFeature.NoBoundsQuery)
    output = numpy.empty(task.output, numpy.float32)
    # In its words: `compile_to_callable`, without the checks of each call.
    call = out.compile_to_callable([picture], target)
    source, result = halide.Buffer(task.pictures[0, :, :, 0]), halide.Buffer(output)

    def run():
        call(source, result)

    return {"NCHW": Form(run, lambda: output[None, :, :, None])}
