"""OpenCV: `filter2D` with a zero border, on one channel or on each plane of a few; image filters by name."""

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


def image_filter(task):
    picture, border = task.picture, cv2.BORDER_REPLICATE
    shape, size = picture.shape, task.weights.shape[1:]
    depth = {numpy.float32: cv2.CV_32F, numpy.uint8: cv2.CV_8U}[task.output]
    across, down = size[1], size[0]
    if task.operation == "gradient":
        return gradient(task)
    output = numpy.empty(shape, task.output)
    ways = {"filter2D": lambda: cv2.filter2D(picture, depth, task.weights[0], output, borderType=border)}
    factors = task.factors()
    if factors:
        column, row = (factor.astype(numpy.float32) for factor in factors)
        ways["sepFilter2D"] = lambda: cv2.sepFilter2D(picture, depth, row, column, output, borderType=border)
    if task.operation == "sobel":
        ways["Sobel"] = lambda: cv2.Sobel(picture, depth, 1, 0, output, ksize=3, borderType=border)
    elif task.operation == "scharr":
        ways["Scharr"] = lambda: cv2.Scharr(picture, depth, 1, 0, output, borderType=border)
    elif task.operation == "laplacian":
        ways["Laplacian"] = lambda: cv2.Laplacian(picture, depth, output, ksize=1, borderType=border)
    elif task.operation == "gaussian":
        ways["GaussianBlur"] = lambda: cv2.GaussianBlur(
            picture, (across, down), task.sigma, output, task.sigma, borderType=border
        )
    elif task.operation == "mean":
        ways["boxFilter"] = lambda: cv2.boxFilter(picture, depth, (across, down), output, borderType=border)
    return {name: Form(run, lambda: output[None]) for name, run in ways.items()}


def gradient(task):
    picture, border = task.picture, cv2.BORDER_REPLICATE
    x, y, length, angle = (numpy.empty(picture.shape, numpy.float32) for _ in range(4))

    def run():
        cv2.Sobel(picture, cv2.CV_32F, 1, 0, x, ksize=3, borderType=border)
        cv2.Sobel(picture, cv2.CV_32F, 0, 1, y, ksize=3, borderType=border)
        cv2.cartToPolar(x, y, length, angle)

    return {"Sobel, cartToPolar": Form(run, lambda: numpy.stack([length, angle]))}
