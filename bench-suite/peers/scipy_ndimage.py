"""SciPy: `ndimage.correlate` and the convolution by overlapping transforms, for image filters; these by name."""

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


def image_filter(task):
    picture = task.picture
    task.require(picture.dtype == numpy.float32, "SciPy cuts off what is beyond a level and its fraction")
    task.require(picture.ndim == 2, "SciPy filters one channel")
    if task.operation == "gradient":
        return gradient(picture)
    output, factors = numpy.empty_like(picture), task.factors()
    size = task.weights.shape[1:]

    def product():
        between = ndimage.correlate1d(picture, factors[0], axis=0, mode="nearest")
        ndimage.correlate1d(between, factors[1], axis=1, output=output, mode="nearest")

    ways = {}
    if factors:
        ways["correlate1d"] = product
    else:
        ways["correlate"] = lambda: ndimage.correlate(picture, task.weights[0], output=output, mode="nearest")
    if task.operation == "sobel":
        ways["sobel"] = lambda: ndimage.sobel(picture, axis=1, output=output, mode="nearest")
    elif task.operation == "laplacian":
        ways["laplace"] = lambda: ndimage.laplace(picture, output=output, mode="nearest")
    elif task.operation == "gaussian":
        ways["gaussian_filter"] = lambda: ndimage.gaussian_filter(
            picture, task.sigma, output=output, mode="nearest", radius=size[0] // 2
        )
    elif task.operation == "mean":
        ways["uniform_filter"] = lambda: ndimage.uniform_filter(picture, size, output=output, mode="nearest")
    return {name: Form(run, lambda: output[None]) for name, run in ways.items()}


def gradient(picture):
    x, y, length, angle = (numpy.empty_like(picture) for _ in range(4))

    def run():
        ndimage.sobel(picture, axis=1, output=x, mode="nearest")
        ndimage.sobel(picture, axis=0, output=y, mode="nearest")
        numpy.hypot(x, y, out=length)
        numpy.arctan2(y, x, out=angle)

    return {"sobel, hypot, arctan2": Form(run, lambda: numpy.stack([length, angle]))}
