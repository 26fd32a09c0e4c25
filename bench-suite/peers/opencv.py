"""OpenCV: `filter2D` with a zero border, on one channel or on each plane of a few."""

import cv2
import numpy

from .task import Form, last

NAME = "OpenCV"


def version():
    return cv2.__version__


def start(threads):
    cv2.setNumThreads(threads if threads > 1 else 0)


def prepare(task):
    task.require(task.c_in == 1 and task.c_out == 1 or task.depthwise, "filter2D has one filter a channel")
    task.require(task.c_in <= 4, "filter2D is for images of up to four channels")
    task.require(task.batch == 1 and task.stride == [1, 1] and task.dilation == [1, 1], "filter2D has no strides")
    half = [side // 2 for side in task.kernel]
    task.require(task.pads == half + half, "filter2D keeps the size of the picture")
    planes = list(task.planar()[0])
    filters = [numpy.ascontiguousarray(task.filter[:, :, 0, d]) for d in range(task.c_out)]
    outputs = numpy.empty(task.out_planar, numpy.float32)
    jobs = list(zip(planes, filters, outputs[0]))

    def run():
        for plane, weights, output in jobs:
            cv2.filter2D(plane, -1, weights, output, borderType=cv2.BORDER_CONSTANT)

    return {"NCHW": Form(run, lambda: last(outputs))}
