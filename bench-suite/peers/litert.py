"""LiteRT with XNNPACK: a model of one layer, written here, channels last as it wants them."""

from importlib import metadata

import flatbuffers
import numpy
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from .task import Form

NAME = "LiteRT"
THREADS = 1


def version():
    return metadata.version("ai-edge-litert")


def start(threads):
    global THREADS
    THREADS = threads


def prepare(task):
    # A matrix of every patch: at large filters over large pictures it does not fit memory.
    patches = 4 * task.output[0] * task.output[1] * task.filter[..., 0].size
    task.require(patches < 4 << 30, f"its matrix of patches would take {patches >> 30} GiB")
    interpreter = Interpreter(model_content=model(task), num_threads=THREADS)
    interpreter.allocate_tensors()
    entry, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.set_tensor(entry, task.pictures)
    # The call below `invoke`, which only checks that nobody holds a view.
    invoke = interpreter._interpreter.Invoke
    return {"NHWC": Form(lambda: invoke(), lambda: interpreter.get_tensor(result).copy())}


def model(task):
    """The flat buffer: a PAD where the border is, then a convolution without one."""
    top, left, bottom, right = task.pads
    operators = schema.BuiltinOperator
    buffers, tensors, codes, steps = [schema.BufferT()], [], [], []

    def tensor(shape, data=None, kind=schema.TensorType.FLOAT32):
        index = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = numpy.frombuffer(numpy.ascontiguousarray(data).tobytes(), numpy.uint8)
            buffers.append(buffer)
            index = len(buffers) - 1
        entry = schema.TensorT()
        entry.shape = [int(side) for side in shape]
        entry.type, entry.buffer, entry.name = kind, index, f"t{len(tensors)}"
        tensors.append(entry)
        return len(tensors) - 1

    def step(code, inputs, output, kind, options):
        operator_code = schema.OperatorCodeT()
        operator_code.builtinCode, operator_code.deprecatedBuiltinCode, operator_code.version = code, code, 1
        codes.append(operator_code)
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = len(codes) - 1, inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = kind, options
        steps.append(operator)

    x = tensor(task.pictures.shape)
    inner, padding = x, schema.Padding.VALID
    if any(task.pads):
        # The format's own border is the one that keeps the size; anything else is an operator.
        if task.pads == same(task):
            padding = schema.Padding.SAME
        else:
            sides = numpy.array([[0, 0], [top, bottom], [left, right], [0, 0]], numpy.int32)
            sides = tensor([4, 2], sides, schema.TensorType.INT32)
            inner = tensor([task.batch, task.height + top + bottom, task.width + left + right, task.c_in])
            step(operators.PAD, [x, sides], inner, schema.BuiltinOptions.PadOptions, schema.PadOptionsT())
    y = None
    bias = numpy.zeros(task.c_out, numpy.float32)
    if task.depthwise:
        # [1, K_h, K_w, C]
        weights = task.filter.transpose(2, 0, 1, 3)
        code, kind = operators.DEPTHWISE_CONV_2D, schema.BuiltinOptions.DepthwiseConv2DOptions
        options = schema.DepthwiseConv2DOptionsT()
        options.depthMultiplier = 1
    else:
        # [C_out, K_h, K_w, C_in / groups]
        weights = task.filter.transpose(3, 0, 1, 2)
        code, kind = operators.CONV_2D, schema.BuiltinOptions.Conv2DOptions
        options = schema.Conv2DOptionsT()
    options.padding = padding
    options.strideH, options.strideW = task.stride
    options.dilationHFactor, options.dilationWFactor = task.dilation
    weights, bias = tensor(weights.shape, weights), tensor([task.c_out], bias)
    y = tensor(task.out_last)
    step(code, [inner, weights, bias], y, kind, options)

    graph = schema.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, steps, [x], [y]
    whole = schema.ModelT()
    whole.version, whole.operatorCodes, whole.subgraphs, whole.buffers = 3, codes, [graph], buffers
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def same(task):
    """The format's own padding: as many outputs as inputs over strides, more of it below and right."""
    pads = []
    for size, kernel, stride, dilation in zip(
        (task.height, task.width), task.kernel, task.stride, task.dilation
    ):
        outputs = -(-size // stride)
        total = max((outputs - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
        pads.append((total // 2, total - total // 2))
    return [pads[0][0], pads[1][0], pads[0][1], pads[1][1]]
