"""What a peer is asked for: a shape, a filter, pictures."""

from dataclasses import dataclass
from typing import Callable

import numpy


class Cannot(Exception):
    """The library does not serve a shape; says why."""


@dataclass
class Form:
    """One way of running a task: `run` computes it, `answer` gives the last output as `[N, H, W, C]`."""

    run: Callable
    answer: Callable


@dataclass
class Task:
    """A convolution with its numbers."""

    batch: int
    height: int
    width: int
    c_in: int
    c_out: int
    kernel: list
    stride: list
    dilation: list
    groups: int
    # top, left, bottom, right
    pads: list
    # Height and width of the output.
    output: list
    # [N, H, W, C_in]
    pictures: numpy.ndarray
    # [K_h, K_w, C_in / groups, C_out]
    filter: numpy.ndarray

    @staticmethod
    def read(request):
        shape = request["shape"]
        batch, (height, width) = shape["batch"], shape["input"]
        pictures = numpy.fromfile(request["input"], dtype=numpy.float32)
        weights = numpy.fromfile(request["filter"], dtype=numpy.float32)
        per_group = shape["c_in"] // shape["groups"]
        return Task(
            batch=batch,
            height=height,
            width=width,
            c_in=shape["c_in"],
            c_out=shape["c_out"],
            kernel=shape["kernel"],
            stride=shape["stride"],
            dilation=shape["dilation"],
            groups=shape["groups"],
            pads=shape["pads"],
            output=shape["output"],
            pictures=pictures.reshape(batch, height, width, shape["c_in"]),
            filter=weights.reshape(*shape["kernel"], per_group, shape["c_out"]),
        )

    def planar(self):
        """The pictures as `[N, C_in, H, W]`."""
        return numpy.ascontiguousarray(self.pictures.transpose(0, 3, 1, 2))

    def oihw(self):
        """The filter as `[C_out, C_in / groups, K_h, K_w]`."""
        return numpy.ascontiguousarray(self.filter.transpose(3, 2, 0, 1))

    @property
    def out_planar(self):
        return [self.batch, self.c_out, *self.output]

    @property
    def out_last(self):
        return [self.batch, *self.output, self.c_out]

    @property
    def depthwise(self):
        return self.groups > 1 and self.groups == self.c_in == self.c_out

    def require(self, true, reason):
        if not true:
            raise Cannot(reason)


TYPES = {"f32": numpy.float32, "u8": numpy.uint8}


@dataclass
class FilterTask:
    """An image filter with its numbers."""

    # sobel, gradient, scharr, laplacian, gaussian, mean or correlation
    operation: str
    # The width of a Gaussian.
    sigma: float
    # [H, W] or [H, W, C]
    picture: numpy.ndarray
    # The type of the answer.
    output: type
    # [N, K_h, K_w]
    weights: numpy.ndarray

    @staticmethod
    def read(request):
        height, width, channels = request["picture"]
        picture = numpy.fromfile(request["input"], dtype=TYPES[request["numbers"]])
        weights = numpy.fromfile(request["weights"], dtype=numpy.float32)
        return FilterTask(
            operation=request["operation"],
            sigma=request["sigma"],
            picture=picture.reshape((height, width) if channels == 1 else (height, width, channels)),
            output=TYPES[request["output"]],
            weights=weights.reshape(request["filters"], *request["size"]),
        )

    def factors(self):
        """A column and a row whose product the filter is; nothing where it is no product."""
        filter = self.weights[0].astype(numpy.float64)
        i, j = numpy.unravel_index(numpy.abs(filter).argmax(), filter.shape)
        column, row = filter[:, j] / filter[i, j], filter[i]
        near = numpy.abs(numpy.outer(column, row) - filter).max() < 1e-6 * numpy.abs(filter).max()
        return (column, row) if near else None

    def require(self, true, reason):
        if not true:
            raise Cannot(reason)


def last(planar):
    """`[N, C, H, W]` as `[N, H, W, C]`."""
    return planar.transpose(0, 2, 3, 1)
