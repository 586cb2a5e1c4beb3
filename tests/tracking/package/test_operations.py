"""Which operations a graph may hold: those of the project's own networks, and of all others none."""

import numpy as np
import pytest
from making import LENGTH, make, read_graph, write_graph
from tensorflow.core.framework import node_def_pb2
from tensorflow.python.framework import c_api_util, op_def_registry

from lstmfcn.classifiers.base import NetworkClassifier
from lstmfcn.classifiers.table import TABLE
from lstmfcn.networks.architecture import Architecture, Vote
from lstmfcn.tracking.package import operations
from lstmfcn.tracking.package.contents import UntrustedModelError
from lstmfcn.tracking.package.description import read_description
from lstmfcn.tracking.package.graph import check_graph
from lstmfcn.tracking.package.load import load_package

PLACES = {
    "computing": operations.COMPUTING,
    "keeping": operations.KEEPING,
    "saving": operations.SAVING,
    "restoring": operations.RESTORING,
}

DANGEROUS = {
    "Abort",
    "Assert",
    "AssertCardinalityDataset",
    "DatasetFromGraph",
    "DatasetToSingleElement",
    "DebugIdentity",
    "DebugIdentityV2",
    "DebugNumericSummary",
    "DeserializeIterator",
    "EagerPyFunc",
    "EncodeProto",
    "GenerateVocabRemapping",
    "ImmutableConst",
    "InitializeTableFromTextFile",
    "IteratorGetNext",
    "LoadAndRemapMatrix",
    "LoadDataset",
    "MapDataset",
    "MatchingFiles",
    "OneShotIterator",
    "Print",
    "PrintV2",
    "PyFunc",
    "PyFuncStateless",
    "ReadFile",
    "ReaderReadV2",
    "RemoteCall",
    "Restore",
    "RestoreSlice",
    "Save",
    "SaveDataset",
    "SaveSlices",
    "Stage",
    "SymbolicGradient",
    "TextLineDataset",
    "TFRecordDataset",
    "WriteFile",
    "WriteSummary",
}
"""Those of the attacks, and their kind."""

RECURRENT = [row.name for row in TABLE if isinstance(row, NetworkClassifier) and row.recurrent]

KEPT = {"lstm_fcn": (1, 2, 5), "alstm_fcn": (0, 4)}
"""The rest of the views are for those who ask for the exhaustive tests."""

SLIM = tuple(Architecture(name=name) for name in ("fcn", "mini_rocket"))
"""Members of a vote that is made quickly; the graphs of all others are asked for one by one."""

OF_THE_TABLE = tuple(
    Architecture(name=row.name, cells=3 if row.recurrent else None)
    for row in TABLE
    if isinstance(row, NetworkClassifier)
)

PADDED = {"policies": {"lengths": "pad"}, "n_channels": 2}

# Of the ways in which a recurrent network sees a series, the plain LSTM shares all but two with the others.
VIEWS = [
    ({"segments": 4}, {}),
    ({"segments": 3}, {"n_channels": 2}),  # padded
    ({"segments": 18}, {}),  # a loop, padded
    ({"dimension_shuffle": False}, {}),  # a loop
    ({"dimension_shuffle": False}, {"length": 6, "n_channels": 3}),
    ({}, {"n_channels": 17}),  # a loop
    ({"dropout": 0.0}, {"normalise": "none", "n_channels": 2}),
]

NETWORKS = [
    *((one, {}) for one in OF_THE_TABLE),
    *(
        pytest.param(
            Architecture(name=name, cells=3, **view),
            shape,
            marks=() if number in KEPT[name] else pytest.mark.exhaustive,
        )
        for name in RECURRENT
        for number, (view, shape) in enumerate(VIEWS)
    ),
    (Architecture(name="fcn"), {"normalise": "none", "length": 1}),
    pytest.param(Architecture(name="resnet"), {"n_channels": 3, "length": 7}, marks=pytest.mark.exhaustive),
    (Architecture(name="fcn"), {"temperature": 1.7}),
    *(
        (Architecture(name="fcn"), {"n_channels": 2, "normalise": normalise, "policies": policies})
        for normalise, policies in (
            ("per_series", {"missing": "interpolate"}),
            ("per_series", {"lengths": "pad", "missing": "interpolate"}),
            ("none", {"lengths": "pad", "missing": "mask"}),
        )
    ),
    *((one, PADDED) for one in OF_THE_TABLE),
    pytest.param(Architecture(name="mini_rocket"), {"n_channels": 2}, marks=pytest.mark.exhaustive),
    (Architecture(name="mini_rocket"), PADDED),
    (Vote(SLIM), {"temperature": 1.7}),
    pytest.param(Vote(OF_THE_TABLE), PADDED, marks=pytest.mark.exhaustive),
]


@pytest.mark.parametrize(
    ("architecture", "options"), NETWORKS, ids=lambda value: getattr(value, "name", str(value))
)
def test_no_network_of_ours_is_refused(tmp_path, architecture, options):
    """Each row of the table, unrolled and as a loop, with either preprocessing: checked, loaded and asked."""
    make(tmp_path / "model", architecture, **options)
    package = load_package(tmp_path / "model")
    shape = (5, options.get("n_channels", 1), options.get("length", LENGTH))
    probabilities = np.asarray(package.graph(np.random.default_rng(0).normal(size=shape)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert probabilities.shape == (5, 3)


def empty(saved):
    """Take out of a graph all but its frame: the calls of the savers, and the object that is called.

    Return the places where operations may stand.
    """
    (graph,) = saved.meta_graphs
    objects = graph.object_graph_def.nodes
    children = {child.local_name: child.node_id for child in objects[0].children}
    function = objects[children["__call__"]].function.concrete_functions[0]
    del objects[:]
    objects.add().children.add(local_name="__call__", node_id=1)
    objects[0].user_object.identifier = "_generic_user_object"
    objects.add().function.concrete_functions.append(function)
    graph.meta_info_def.stripped_op_list.Clear()
    frame = {"saver_filename", "NoOp", graph.saver_def.restore_op_name}
    frame.add(graph.saver_def.save_tensor_name.removesuffix(":0"))
    kept = [node for node in graph.graph_def.node if node.name in frame]
    del graph.graph_def.node[:]
    graph.graph_def.node.extend(kept)
    places = {"keeping": graph.graph_def.node}
    for function in graph.graph_def.library.function:
        del function.node_def[:]
        function.arg_attr.clear()
        function.attr.clear()
        name = function.signature.name
        kind = "saving" if "save" in name else "restoring" if "restore" in name else "computing"
        places[kind] = function.node_def
    return places


def test_of_all_operations_of_tensorflow_only_the_named_ones_pass(tmp_path):
    """Each in each of the four places where one may stand; those of the attacks in none."""
    folder = make(tmp_path / "model")
    description = read_description(folder)
    saved = read_graph(folder)
    places = empty(saved)
    assert places.keys() == PLACES.keys()
    write_graph(folder, saved)
    check_graph(folder, description)
    known = every_operation()
    assert len(known) > 1200
    assert set(known) >= DANGEROUS
    for place, nodes in places.items():
        passed = set()
        for name in [*known, "NoSuchOperation"]:
            nodes.append(node_def_pb2.NodeDef(name="one_more", op=name))
            (folder / "tf2model/saved_model.pb").write_bytes(saved.SerializeToString())
            try:
                check_graph(folder, description)
                passed.add(name)
            except UntrustedModelError:
                pass
            del nodes[-1]
        assert passed == PLACES[place], place
        assert not passed & DANGEROUS


def every_operation():
    """Return the names of all operations that TensorFlow knows."""
    return list(c_api_util.ApiDefMap().op_names())


def test_what_computes_has_no_effect_but_to_read_weights_to_call_and_to_loop():
    """By TensorFlow's own word, which is not enough but needed."""
    effects = {name for name in operations.COMPUTING if op_def_registry.get(name).is_stateful}
    assert effects == {"CudnnRNNV3", "ReadVariableOp", "StatefulPartitionedCall", "While"}


def test_each_operation_is_known_to_tensorflow():
    assert set().union(*PLACES.values()) <= set(every_operation())
