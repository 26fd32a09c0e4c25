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


def last(planar):
    """`[N, C, H, W]` as `[N, H, W, C]`."""
    return planar.transpose(0, 2, 3, 1)
