"""ncnn: a network of one layer in single precision, its Winograd and packed layouts allowed."""

import struct
import tempfile
from pathlib import Path

import ncnn
import numpy

from .task import Form

NAME = "ncnn"
THREADS = 1


def version():
    return ncnn.__version__


def start(threads):
    global THREADS
    THREADS = threads
    ncnn.set_omp_num_threads(threads)


def prepare(task):
    task.require(task.batch == 1, "ncnn runs one picture at a time")
    top, left, bottom, right = task.pads
    weights = task.oihw()
    kind = "Convolution" if task.groups == 1 else "ConvolutionDepthWise"
    values = {
        0: task.c_out,
        1: task.kernel[1],
        11: task.kernel[0],
        2: task.dilation[1],
        12: task.dilation[0],
        3: task.stride[1],
        13: task.stride[0],
        4: left,
        15: right,
        14: top,
        16: bottom,
        5: 0,
        6: weights.size,
    }
    if task.groups > 1:
        values[7] = task.groups
    words = " ".join(f"{key}={value}" for key, value in values.items())
    text = f"7767517\n2 2\nInput x 0 1 x\n{kind} conv 1 1 x y {words}\n"
    net = ncnn.Net()
    net.opt.num_threads = THREADS
    net.opt.use_fp16_packed = False
    net.opt.use_fp16_storage = False
    net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.opt.openmp_blocktime = 1
    with tempfile.TemporaryDirectory() as folder:
        param, binary = Path(folder, "net.param"), Path(folder, "net.bin")
        param.write_text(text)
        binary.write_bytes(struct.pack("<I", 0) + weights.tobytes())
        task.require(net.load_param(str(param)) == 0, "ncnn refused the layer")
        task.require(net.load_model(str(binary)) == 0, "ncnn refused the weights")
    # A copy of its own, with the padding between channels that it wants.
    planar = task.planar()[0]
    picture = ncnn.Mat(planar).clone()
    state = {}

    def run(net=net):
        extractor = net.create_extractor()
        extractor.input("x", picture)
        state["y"] = extractor.extract("y")[1]

    return {"NCHW": Form(run, lambda: numpy.array(state["y"]).transpose(1, 2, 0)[None])}
