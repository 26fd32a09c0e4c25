"""MNN: a session of one layer in single precision; planar pictures in and out.

The converter is called below `MNN.tools`, a package that installs others while it is imported.
"""

import tempfile
from importlib import metadata
from pathlib import Path

import _tools
import MNN
import numpy

from .onnx_model import model
from .task import Form, last

NAME = "MNN"
THREADS = 1


def version():
    return metadata.version("MNN")


def start(threads):
    global THREADS
    THREADS = threads


def prepare(task):
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "layer.onnx"), Path(folder, "layer.mnn")
        source.write_bytes(model(task))
        words = ["-f", "ONNX", "--modelFile", str(source), "--MNNModel", str(target), "--bizCode", "none"]
        _tools.mnnconvert(["mnnconvert", *words])
        task.require(target.exists(), "MNN does not convert the layer")
        net = MNN.Interpreter(str(target))
    session = net.createSession({"numThread": THREADS, "backend": "CPU", "precision": "high"})
    kind = MNN.Tensor_DimensionType_Caffe
    planar = task.planar()
    picture = MNN.Tensor(planar.shape, MNN.Halide_Type_Float, planar, kind)
    net.getSessionInput(session).copyFrom(picture)
    result = net.getSessionOutput(session)

    def run():
        net.runSession(session)

    def answer():
        empty = numpy.empty(task.out_planar, numpy.float32)
        planes = MNN.Tensor(task.out_planar, MNN.Halide_Type_Float, empty, kind)
        result.copyToHostTensor(planes)
        return last(numpy.array(planes.getNumpyData()).reshape(task.out_planar))

    return {"NCHW": Form(run, answer)}
