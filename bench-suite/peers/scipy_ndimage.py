"""SciPy: `ndimage.correlate` and the convolution by overlapping transforms, for image filters."""

import numpy
import scipy
from scipy import ndimage, signal

from .task import Form

NAME = "SciPy"


def version():
    return scipy.__version__


def start(threads):
    pass


def prepare(task):
    task.require(task.c_in == 1 and task.c_out == 1, "SciPy filters one channel")
    task.require(task.batch == 1 and task.stride == [1, 1] and task.dilation == [1, 1], "SciPy has no strides")
    half = [side // 2 for side in task.kernel]
    task.require(task.pads == half + half, "SciPy keeps the size of the picture")
    picture, weights = task.pictures[0, :, :, 0], task.filter[:, :, 0, 0]
    output = numpy.empty_like(picture)
    flipped = numpy.ascontiguousarray(weights[::-1, ::-1])
    state = {}

    def correlate():
        ndimage.correlate(picture, weights, output=output, mode="constant")

    def transform():
        state["y"] = signal.oaconvolve(picture, flipped, mode="same")

    return {
        "ndimage.correlate": Form(correlate, lambda: output[None, :, :, None]),
        "signal.oaconvolve": Form(transform, lambda: state["y"][None, :, :, None]),
    }
