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
    x, y = halide.Var("x"), halide.Var("y")
    picture = halide.ImageParam(halide.Float(32), 2)
    padded = halide.BoundaryConditions.constant_exterior(picture, 0.0)
    rows = halide.Func("rows")
    rows[x, y] = padded[x, y]
    out = direct(rows, x, y, task.filter[:, :, 0, 0], task.pads[:2], task.dilation)
    output = numpy.empty(task.output, numpy.float32)
    run = compiled(out, picture, task.pictures[0, :, :, 0], output)
    return {"NCHW": Form(run, lambda: output[None, :, :, None])}


def direct(rows, x, y, filter, pads, dilation):
    """Every tap of a filter over padded rows."""
    (top, left), (down, across) = pads, dilation
    xo, yo, xi, yi, strip, row = (halide.Var(name) for name in "xo yo xi yi strip row".split())
    out, tiles = halide.Func("out"), (LANES * VECTORS, ROWS)
    if numpy.count_nonzero(filter) <= UNROLLED:
        at = lambda a, b: rows[x + int(b) * across - left, y + int(a) * down - top]  # noqa: E731
        out[x, y] = total((at(a, b), weight) for (a, b), weight in numpy.ndenumerate(filter))
        out.split(y, strip, row, STRIP).tile(x, row, xo, yo, xi, yi, *tiles).vectorize(xi, LANES).unroll(xi).unroll(yi)
    else:
        weights = halide.Buffer(numpy.ascontiguousarray(filter))
        taps = halide.RDom([(0, filter.shape[1]), (0, filter.shape[0])])
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
    return out


def compiled(out, parameter, picture, output):
    """A run of `out`, which reads a picture and writes the output."""
    target = halide.get_jit_target_from_environment()
    target = target.with_feature(halide.TargetFeature.NoAsserts).with_feature(halide.TargetFeature.NoBoundsQuery)
    # In its words: `compile_to_callable`, without the checks of each call.
    call = out.compile_to_callable([parameter], target)
    source, result = halide.Buffer(picture), halide.Buffer(output)

    def run():
        call(source, result)

    return run


def image_filter(task):
    task.require(task.picture.dtype == numpy.float32, "the schedule here is for f32")
    task.require(task.picture.ndim == 2, "the schedule here is for one channel")
    task.require(len(task.weights) == 1, "the schedule here is for one filter")
    factors, filter = task.factors(), task.weights[0]
    x, y, strip, row, yo, yi = (halide.Var(name) for name in "x y strip row yo yi".split())
    picture = halide.ImageParam(halide.Float(32), 2)
    rows = halide.Func("rows")
    padded = halide.BoundaryConditions.repeat_edge(picture, [(0, task.picture.shape[1]), (0, task.picture.shape[0])])
    rows[x, y] = padded[x, y]
    pads = [side // 2 for side in filter.shape]
    if factors:
        (column, line), (above, left) = factors, pads
        sums, out = halide.Func("sums"), halide.Func("out")
        sums[x, y] = total((rows[x, y + int(a) - above], w) for a, w in enumerate(column))
        out[x, y] = total((sums[x + int(b) - left, y], w) for b, w in enumerate(line))
        # The whole width of a few rows at once: their sums stay in the nearest caches.
        out.split(y, strip, row, STRIP).split(row, yo, yi, ROWS).vectorize(x, LANES).unroll(yi)
        out.reorder(x, yi, yo, strip)
        sums.compute_at(out, yo).vectorize(x, LANES)
        rows.compute_at(out, strip).vectorize(x, LANES)
        if THREADS > 1:
            out.parallel(strip)
    else:
        out = direct(rows, x, y, filter, pads, [1, 1])
    output = numpy.empty_like(task.picture)
    return {"schedule": Form(compiled(out, picture, task.picture, output), lambda: output[None])}


def total(terms):
    """The sum of products with weights, of which those of zero are left out."""
    sum = None
    for value, weight in terms:
        if weight != 0:
            term = halide.f32(float(weight)) * value
            sum = term if sum is None else sum + term
    return sum
