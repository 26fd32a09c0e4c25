"""OpenVINO: a compiled model of one node, latency first, in single precision."""

import numpy
import openvino
from openvino import opset13 as ops

from .task import Form, last

NAME = "OpenVINO"
THREADS = 1


def version():
    return openvino.__version__.split("-")[0]


def start(threads):
    global THREADS
    THREADS = threads


def prepare(task):
    top, left, bottom, right = task.pads
    weights = task.oihw()
    forms = {}
    for order in ("NCHW", "NHWC"):
        channels_last = order == "NHWC"
        pictures = task.pictures if channels_last else task.planar()
        x = ops.parameter(list(pictures.shape), numpy.float32)
        inner = ops.transpose(x, [0, 3, 1, 2]) if channels_last else x
        common = (task.stride, [top, left], [bottom, right], task.dilation)
        if task.groups == 1:
            y = ops.convolution(inner, ops.constant(weights), *common)
        else:
            grouped = weights.reshape(task.groups, task.c_out // task.groups, *weights.shape[1:])
            y = ops.group_convolution(inner, ops.constant(grouped), *common)
        if channels_last:
            y = ops.transpose(y, [0, 2, 3, 1])
        settings = {
            "INFERENCE_NUM_THREADS": THREADS,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            # The cores are chosen by whoever started this process.
            "ENABLE_CPU_PINNING": False,
        }
        compiled = openvino.Core().compile_model(openvino.Model([y], [x]), "CPU", settings)
        request = compiled.create_infer_request()
        output = numpy.empty(task.out_last if channels_last else task.out_planar, numpy.float32)
        tensors = (openvino.Tensor(pictures, shared_memory=True), openvino.Tensor(output, shared_memory=True))
        request.set_input_tensor(tensors[0])
        request.set_output_tensor(tensors[1])

        def run(request=request, keep=(compiled, tensors, pictures)):
            request.start_async()
            request.wait()

        answer = (lambda output=output: output) if channels_last else (lambda output=output: last(output))
        forms[order] = Form(run, answer)
    return forms
