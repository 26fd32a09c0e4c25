"""A convolution as an ONNX model of one node."""

from onnx import TensorProto, helper, numpy_helper


def model(task):
    node = helper.make_node(
        "Conv",
        ["x", "w"],
        ["y"],
        kernel_shape=task.kernel,
        strides=task.stride,
        dilations=task.dilation,
        group=task.groups,
        pads=task.pads,
    )
    shape_in = [task.batch, task.c_in, task.height, task.width]
    graph = helper.make_graph(
        [node],
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape_in)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, task.out_planar)],
        [numpy_helper.from_array(task.oihw(), "w")],
    )
    opset = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
