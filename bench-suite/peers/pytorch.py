"""PyTorch: `conv2d` on both memory orders, and oneDNN's operator on weights packed beforehand."""

import torch

from .task import Form

NAME = "PyTorch"


def version():
    return torch.__version__


def start(threads):
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)


def prepare(task):
    top, left, bottom, right = task.pads
    planar = torch.from_numpy(task.planar())
    weights = torch.from_numpy(task.oihw())
    forms = {}
    state = {}
    even = (top, left) == (bottom, right)

    def add(name, x, w):
        if even:
            def run():
                state["y"] = torch.conv2d(x, w, None, task.stride, (top, left), task.dilation, task.groups)
        else:
            # It pads both sides alike: more on one side is a copy.
            def run():
                padded = torch.nn.functional.pad(x, (left, right, top, bottom))
                state["y"] = torch.conv2d(padded, w, None, task.stride, 0, task.dilation, task.groups)

        forms[name] = Form(run, lambda: state["y"].permute(0, 2, 3, 1).contiguous().numpy())

    last = torch.channels_last
    add("NCHW", planar, weights)
    add("NHWC", planar.to(memory_format=last), weights.to(memory_format=last))
    if even:
        pack(task, forms, state, planar.to(memory_format=last), weights, (top, left))
    return forms


def pack(task, forms, state, x, weights, padding):
    """What the compiler of PyTorch makes of a frozen layer, where this build has it."""
    common = (list(padding), list(task.stride), list(task.dilation), task.groups)
    try:
        packed = torch.ops.mkldnn._reorder_convolution_weight(weights, *common, list(x.shape))
        operator = torch.ops.mkldnn._convolution_pointwise.default

        def run():
            state["y"] = operator(x, packed, None, *common, "none", [], "")

        run()
    except (AttributeError, RuntimeError, NotImplementedError):
        return
    forms["NHWC packed"] = Form(run, lambda: state["y"].permute(0, 2, 3, 1).contiguous().numpy())
