"""The operations that the graph of a package may hold, each named, by the place where it stands.

They are those that the networks of the table, the preprocessing and TensorFlow's savers are made of. All but
the savers' only compute: they read nothing but their inputs and the weights, and write nothing. A network
that needs another one adds it here, after a look at what it does: TensorFlow counts operations that read a
file as without effect too.
"""

COMPUTING = frozenset(
    {
        "Abs",
        "AddV2",
        "All",
        "Any",
        "ArgMax",
        "BatchToSpaceND",
        "BiasAdd",
        "Cast",
        "ConcatV2",
        "Const",
        "Conv2D",
        "CudnnRNNV3",  # of an LSTM that was saved where there is a GPU
        "Cumsum",
        "DepthwiseConv2dNative",
        "Equal",
        "Exp",
        "ExpandDims",
        "Fill",
        "GatherV2",
        "Greater",
        "Identity",
        "IsFinite",
        "IsNan",
        "Less",
        "LessEqual",
        "LogicalAnd",
        "LogicalNot",
        "LogicalOr",
        "MatMul",
        "Max",
        "Maximum",
        "Mean",
        "Minimum",
        "Mul",
        "NoOp",
        "OnesLike",
        "Pack",
        "Pad",
        "PadV2",
        "Pow",  # of a temperature
        "Prod",
        "Range",
        "ReadVariableOp",
        "RealDiv",
        "Relu",
        "Reshape",
        "Rsqrt",
        "SelectV2",
        "Shape",
        "Sigmoid",
        "Softmax",
        "SpaceToBatchND",  # of a dilated convolution, as is its inverse
        "Split",
        "SplitV",
        "Sqrt",
        "Square",
        "Squeeze",
        "StatefulPartitionedCall",
        "StridedSlice",
        "Sub",
        "Sum",
        "Tanh",
        "TensorListFromTensor",
        "TensorListGetItem",
        "TensorListReserve",
        "TensorListSetItem",
        "TensorListStack",
        "Transpose",
        "Unpack",
        "While",
        "ZerosLike",
    }
)
"""In the functions that predict, and in those of their loops."""

KEEPING = frozenset(
    {
        "AssignVariableOp",
        "Const",
        "NoOp",
        "Placeholder",
        "ReadVariableOp",
        "StatefulPartitionedCall",
        "VarHandleOp",
        "VarIsInitializedOp",
    }
)
"""Outside of all functions: the variables, and the calls of the savers."""

SAVING = frozenset(
    {
        "Const",
        "DisableCopyOnRead",
        "Identity",
        "IsFinite",
        "MergeV2Checkpoints",
        "NoOp",
        "Pack",
        "ReadVariableOp",
        "SaveV2",
        "Select",
        "ShardedFilename",
        "StaticRegexFullMatch",
        "StringJoin",
    }
)
"""In the function that saves the variables, which nothing calls where a model is loaded."""

RESTORING = frozenset({"AssignVariableOp", "Const", "Identity", "NoOp", "RestoreV2"})
"""In the function that restores them."""
