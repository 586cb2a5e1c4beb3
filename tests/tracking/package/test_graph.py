"""Graphs that do more than compute, or other than they say, are refused before TensorFlow loads them."""

import random
import shutil

import pytest
import tensorflow as tf
from making import correct_size, make, read_graph, write_graph
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import config_pb2

from lstmfcn.tracking.package.check import check
from lstmfcn.tracking.package.contents import GRAPH, UntrustedModelError
from lstmfcn.tracking.package.load import load_package
from lstmfcn.tracking.package.operations import COMPUTING

SPEC = tf.TensorSpec((None, 1, 20), tf.float64)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("made") / "model")


@pytest.fixture
def package(made, tmp_path):
    return shutil.copytree(made, tmp_path / "model")


def sentence(package):
    """Return what is said to a package that is refused: by `check`, which loads nothing."""
    with pytest.raises(UntrustedModelError) as caught:
        check(package)
    assert "\n" not in str(caught.value)
    assert "Nothing of it was loaded" in str(caught.value)
    return str(caught.value)


def test_a_model_of_ours_passes(package):
    assert load_package(package).classes == ("a", "b", "c")


def test_a_model_of_before_labels_were_served_passes(package):
    saved = read_graph(package)
    del saved.meta_graphs[0].signature_def["serving_default"]
    write_graph(package, saved)
    assert load_package(package).classes == ("a", "b", "c")


def dataset(_series, _path):
    """A graph in a constant, which the operation runs."""
    hidden = graph_pb2.GraphDef()
    hidden.node.add(name="hidden", op="WriteFile")
    return tf.raw_ops.DatasetFromGraph(graph_def=hidden.SerializeToString())


def debug(series, path):
    return tf.raw_ops.DebugIdentityV2(input=series, debug_urls=[f"file://{path}"])


def debug_first(series, path):
    return tf.raw_ops.DebugIdentity(input=series, debug_urls=[f"file://{path}"])


def immutable(_series, path):
    return tf.raw_ops.ImmutableConst(dtype=tf.uint8, shape=[5], memory_region_name=str(path))


def vocabulary(_series, path):
    path = tf.constant(str(path))
    return tf.raw_ops.GenerateVocabRemapping(
        new_vocab_file=path, old_vocab_file=path, new_vocab_offset=0, num_new_vocab=1
    )


def abort(_series, _path):
    return tf.raw_ops.Abort(error_msg="it ran")


def write(_series, path):
    return tf.io.write_file(str(path), "it ran")


def read(_series, path):
    return tf.io.read_file(str(path))


def listing(_series, path):
    return tf.io.matching_files(str(path))


def python(series, _path):
    return tf.py_function(lambda x: x, [series], tf.float64)


def numpy(series, _path):
    return tf.numpy_function(lambda x: x, [series], tf.float64, stateful=False)


def printing(series, path):
    return tf.print(series, output_stream=f"file://{path}")


def saving(series, path):
    return tf.raw_ops.SaveV2(prefix=str(path), tensor_names=["x"], shape_and_slices=[""], tensors=[series])


def restoring(_series, path):
    return tf.raw_ops.RestoreV2(
        prefix=str(path), tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
    )


def merging(_series, path):
    return tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(path)], destination_prefix=str(path), delete_old_dirs=True
    )


def in_a_branch(series, path):
    return tf.cond(tf.size(series) > 0, lambda: tf.io.read_file(str(path)), lambda: tf.constant(""))


def in_a_loop(_series, path):
    return tf.while_loop(lambda i: i < 1, lambda i: i + tf.strings.length(tf.io.read_file(str(path))), [0])


def in_a_function(_series, path):
    return tf.function(lambda: tf.io.read_file(str(path)))()


def in_a_map(series, path):
    return tf.map_fn(lambda x: tf.io.read_file(str(path)), series, fn_output_signature=tf.string)


def table(series, path):
    path.write_text("a secret\n")
    handle = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
    return tf.raw_ops.InitializeTableFromTextFileV2(
        table_handle=handle, filename=str(path), key_index=-2, value_index=-1
    )


@pytest.mark.parametrize(
    ("attack", "operation"),
    [
        (dataset, "DatasetFromGraph"),
        (debug, "DebugIdentityV2"),
        (debug_first, "DebugIdentity"),
        (immutable, "ImmutableConst"),
        (vocabulary, "GenerateVocabRemapping"),
        (abort, "Abort"),
        (write, "WriteFile"),
        (read, "ReadFile"),
        (listing, "MatchingFiles"),
        (python, "EagerPyFunc"),
        (numpy, "PyFuncStateless"),
        (printing, "PrintV2"),
        (saving, "SaveV2"),
        (restoring, "RestoreV2"),
        (merging, "MergeV2Checkpoints"),
        (in_a_branch, "ReadFile"),
        (in_a_loop, "ReadFile"),
        (in_a_function, "ReadFile"),
        (in_a_map, "ReadFile"),
        (table, "InitializeTableFromTextFileV2"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_operations_that_reach_outside_are_refused(package, tmp_path, attack, operation):
    """Saved by TensorFlow itself in the place of our network; what they aim at is as before."""
    target = tmp_path / "target"

    class Module(tf.Module):
        @tf.function(autograph=False)
        def __call__(self, series):
            reached = attack(series, target)
            with tf.control_dependencies([] if reached is None else tf.nest.flatten(reached)):
                return tf.cast(series[:, 0, :3], tf.float32)

    module = Module()
    module.weight = tf.Variable(1.0)
    module.__call__.get_concrete_function(SPEC)
    shutil.rmtree(package / "tf2model")
    tf.saved_model.save(module, str(package / "tf2model"))
    shutil.rmtree(package / "tf2model/assets", ignore_errors=True)
    correct_size(package)
    before = target.read_text() if target.exists() else None
    assert operation in sentence(package)
    assert (target.read_text() if target.exists() else None) == before


def function_of(graph, word):
    return next(f for f in graph.graph_def.library.function if word in f.signature.name)


def node_of(graph, operation, where="__call__"):
    return next(node for node in function_of(graph, where).node_def if node.op == operation)


def caller(graph, name):
    """Add a call of a function to the function that predicts."""
    node = function_of(graph, "__call__").node_def.add(name="one_more", op="While")
    node.attr["cond"].func.name = node.attr["body"].func.name = name
    node.attr["T"].list.SetInParent()
    return node


def new_function(graph, name, *nodes):
    function = graph.graph_def.library.function.add()
    function.signature.name = name
    for operation in nodes:
        function.node_def.add(name=f"a_{operation}", op=operation)
    return function


def operation_in(where, operation):
    return lambda graph: function_of(graph, where).node_def.add(name="one_more", op=operation)


def call_the_saver(graph):
    caller(graph, function_of(graph, "traced_save").signature.name)


def offer_the_saver(graph):
    name = function_of(graph, "traced_restore").signature.name
    graph.object_graph_def.concrete_functions[name].SetInParent()


def call_the_saver_outside(graph):
    saver = next(n for n in graph.graph_def.node if n.name == graph.saver_def.restore_op_name)
    graph.graph_def.node.add().CopyFrom(saver)
    graph.graph_def.node[-1].name = "one_more"


def predict_by_the_saver(graph):
    """Name as the saver a function that predicts and that no other calls, so that it may save."""
    functions = graph.graph_def.library.function
    called = {v.func.name for f in functions for n in f.node_def for v in n.attr.values()}
    name = next(
        f.signature.name
        for f in functions
        if "__call__" in f.signature.name and f.signature.name not in called
    )
    node = next(n for n in graph.graph_def.node if n.name == graph.saver_def.restore_op_name)
    node.attr["f"].func.name = name


def restore_from_elsewhere(graph):
    node = graph.graph_def.node.add(name="path", op="Const")
    node.attr["dtype"].type = 7
    node.attr["value"].tensor.dtype = 7
    node.attr["value"].tensor.string_val.append(b"/somewhere/else")
    restore = next(n for n in graph.graph_def.node if n.name == graph.saver_def.restore_op_name)
    restore.input[0] = "path"


def no_saver(graph):
    graph.saver_def.Clear()


def pass_for_an_operation(graph):
    new_function(graph, "WriteFile", "NoOp")
    function_of(graph, "__call__").node_def.add(name="one_more", op="WriteFile")


def call_by_name(graph):
    new_function(graph, "mine", "NoOp")
    function_of(graph, "__call__").node_def.add(name="one_more", op="mine")


def hide_in_a_function_that_nobody_calls(graph):
    new_function(graph, "mine", "WriteFile")


def two_functions_of_one_name(graph):
    new_function(graph, function_of(graph, "__call__").signature.name, "NoOp")


def a_function_that_is_not_there(graph):
    caller(graph, "nowhere")


def without_end(graph):
    function = new_function(graph, "mine")
    node = caller(graph, "mine")
    function.node_def.add().CopyFrom(node)


def too_deep(graph):
    caller(graph, "f0")
    for i in range(40):
        function = new_function(graph, f"f{i}")
        node = function.node_def.add(name="next", op="While")
        node.attr["body"].func.name = f"f{i + 1}"
    new_function(graph, "f40")


def nested_function(graph):
    new_function(graph, "mine", "NoOp")
    node = caller(graph, "mine")
    node.attr["body"].func.attr["g"].func.name = "mine"


def nested_bytes(graph):
    new_function(graph, "mine", "NoOp")
    caller(graph, "mine").attr["body"].func.attr["graph"].s = b"a graph"


def long_text(graph):
    node_of(graph, "Conv2D").attr["padding"].s = b"x" * 10_000


def odd_attribute(graph):
    node_of(graph, "Conv2D").attr["graph"].s = b"x"


def odd_note(graph):
    node_of(graph, "Conv2D").attr["_kernel"].s = b"x"


def note_with_a_function(graph):
    node_of(graph, "Conv2D").attr["_class"].list.func.add(name="nowhere")


def note_with_a_tensor(graph):
    node_of(graph, "Conv2D").attr["_class"].tensor.string_val.append(b"x" * 1000)


def list_of_tensors(graph):
    node_of(graph, "Conv2D").attr["_class"].list.tensor.add().string_val.append(b"x" * 1000)


def placeholder(graph):
    node_of(graph, "Conv2D").attr["T"].placeholder = "T"


def odd_type(graph):
    node_of(graph, "Conv2D").attr["T"].type = 4242


def quantised(graph):
    node_of(graph, "Conv2D").attr["T"].type = 11


def odd_device(graph):
    node_of(graph, "Conv2D").device = "/job:worker/task:1"


def text_constant(graph):
    node = node_of(graph, "Const")
    node.attr["value"].tensor.Clear()
    node.attr["value"].tensor.dtype = 7
    node.attr["value"].tensor.string_val.append(b"a graph")


def variant_constant(graph):
    node = node_of(graph, "Const")
    node.attr["value"].tensor.Clear()
    node.attr["value"].tensor.dtype = 21
    node.attr["value"].tensor.variant_val.add(type_name="tensorflow::WrappedDatasetVariant")


def hidden_variant(graph):
    node_of(graph, "Const").attr["value"].tensor.variant_val.add(type_name="x", metadata=b"a graph")


def resource_constant(graph):
    node_of(graph, "Const").attr["value"].tensor.resource_handle_val.add(name="x")


def enormous_constant(graph):
    tensor = node_of(graph, "Const").attr["value"].tensor
    tensor.tensor_shape.dim.add(size=10**12)


def settings(**changes):
    def change(graph):
        node = next(n for n in graph.graph_def.node if n.op == "StatefulPartitionedCall")
        node.attr["config_proto"].s = config_pb2.ConfigProto(**changes).SerializeToString()

    return change


def damaged_settings(graph):
    node = next(n for n in graph.graph_def.node if n.op == "StatefulPartitionedCall")
    node.attr["config_proto"].s = b"\xff\xff"


def executor(graph):
    node = next(n for n in graph.graph_def.node if n.op == "StatefulPartitionedCall")
    node.attr["executor_type"].s = b"MINE"


def gradient(graph):
    name = function_of(graph, "__call__").signature.name
    graph.graph_def.library.gradient.add(function_name=name, gradient_func=name)


def registered_gradient(graph):
    graph.graph_def.library.registered_gradients.add(gradient_func="x", registered_op_type="y")


def function_attribute(graph):
    function_of(graph, "__call__").attr["_XlaMustCompile"].b = True


def function_with_types_to_fill_in(graph):
    function_of(graph, "__call__").signature.attr.add(name="T", type="type")


def argument_attribute(graph):
    function_of(graph, "__call__").arg_attr[0].attr["mine"].s = b"x"


def asset(graph):
    graph.asset_file_def.add(filename="../../secret").tensor_info.name = "Const:0"


def object_asset(graph):
    graph.object_graph_def.nodes.add().asset.asset_file_def_index = 0


def object_resource(graph):
    graph.object_graph_def.nodes.add().resource.device = ""


def object_constant(graph):
    graph.object_graph_def.nodes.add().constant.operation = "Const"


def object_of_nothing(graph):
    graph.object_graph_def.nodes.add()


def object_that_is_registered(graph):
    graph.object_graph_def.nodes[1].registered_name = "tf.StaticHashTable"


def object_with_a_saver(graph):
    graph.object_graph_def.nodes[1].registered_saver = "mine"


def object_with_save_functions(graph):
    graph.object_graph_def.nodes[1].saveable_objects["x"].save_function = 2


def object_with_slots(graph):
    graph.object_graph_def.nodes[1].slot_variables.add(slot_name="x")


def object_of_keras(graph):
    graph.object_graph_def.nodes[1].user_object.identifier = "_tf_keras_layer"


def object_optimizer(graph):
    graph.object_graph_def.nodes[1].user_object.identifier = "optimizer"


def enormous_variable(graph):
    node = next(n for n in graph.object_graph_def.nodes if n.WhichOneof("kind") == "variable")
    node.variable.shape.dim[0].size = 10**12


def endless_variable(graph):
    node = next(n for n in graph.object_graph_def.nodes if n.WhichOneof("kind") == "variable")
    node.variable.shape.dim[0].size = -1


def text_variable(graph):
    node = next(n for n in graph.object_graph_def.nodes if n.WhichOneof("kind") == "variable")
    node.variable.dtype = 7


def no_objects(graph):
    graph.ClearField("object_graph_def")


def main_operation(graph):
    graph.collection_def["saved_model_main_op"].node_list.value[0] = graph.saver_def.restore_op_name


def another_collection(graph):
    graph.collection_def["mine"].bytes_list.value.append(b"a graph")


def init_operation(graph):
    outputs = graph.signature_def["__saved_model_init_op"].outputs
    outputs["__saved_model_init_op"].name = graph.saver_def.restore_op_name


def another_signature(graph):
    graph.signature_def["mine"].CopyFrom(graph.signature_def["serving_default"])


def another_method(graph):
    graph.signature_def["serving_default"].method_name = "x"


def signature_with_a_default(graph):
    graph.signature_def["serving_default"].defaults["series"].dtype = 1


def one_more_output(graph):
    outputs = graph.signature_def["serving_default"].outputs
    outputs["mine"].CopyFrom(outputs["label"])


def no_label(graph):
    del graph.signature_def["serving_default"].outputs["label"]


def series_of_another_length(graph):
    graph.signature_def["serving_default"].inputs["series"].tensor_shape.dim[2].size = 21


def probabilities_that_are_none(graph):
    graph.signature_def["serving_default"].outputs["probabilities"].dtype = 3


def labels_of(graph):
    nodes = [n for f in graph.graph_def.library.function if "answer" in f.signature.name for n in f.node_def]
    return next(n.attr["value"].tensor for n in nodes if n.op == "Const" and n.attr["dtype"].type == 7)


def other_labels(graph):
    labels_of(graph).string_val[0] = b"another"


def one_more_label(graph):
    labels_of(graph).string_val.append(b"another")


def endless_labels(graph):
    labels_of(graph).tensor_shape.dim[0].size = 50_000


def another_tag(graph):
    graph.meta_info_def.tags.append("train")


def same_name_twice(graph):
    graph.graph_def.node.add(name="NoOp", op="NoOp")


def signature_of(graph):
    (name,) = graph.object_graph_def.nodes[called(graph)].function.concrete_functions
    return graph.object_graph_def.concrete_functions[name]


def called(graph):
    children = graph.object_graph_def.nodes[0].children
    return next(child.node_id for child in children if child.local_name == "__call__")


def more_classes(graph):
    signature_of(graph).output_signature.tensor_spec_value.shape.dim[1].size = 4


def any_classes(graph):
    signature_of(graph).output_signature.tensor_spec_value.shape.dim[1].size = -1


def other_input(graph):
    spec = signature_of(graph).canonicalized_input_signature
    spec.tuple_value.values[0].tuple_value.values[0].tensor_spec_value.dtype = 1


def any_length(graph):
    spec = signature_of(graph).canonicalized_input_signature
    spec.tuple_value.values[0].tuple_value.values[0].tensor_spec_value.shape.dim[2].size = -1


def two_inputs(graph):
    arguments = signature_of(graph).canonicalized_input_signature.tuple_value.values[0].tuple_value.values
    arguments.add().CopyFrom(arguments[0])


def not_to_call(graph):
    for child in graph.object_graph_def.nodes[0].children:
        child.local_name = child.local_name.replace("__call__", "call")


def call_nowhere(graph):
    child = next(c for c in graph.object_graph_def.nodes[0].children if c.local_name == "__call__")
    child.node_id = 10**6


def two_ways_to_call(graph):
    function = graph.object_graph_def.nodes[called(graph)].function
    function.concrete_functions.append(function.concrete_functions[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (operation_in("__call__", "SaveV2"), "SaveV2"),
        (operation_in("__call__", "RestoreV2"), "RestoreV2"),
        (operation_in("__call__", "AssignVariableOp"), "AssignVariableOp"),
        (operation_in("__call__", "VarHandleOp"), "VarHandleOp"),
        (operation_in("traced_restore", "SaveV2"), "SaveV2"),
        (operation_in("traced_restore", "MergeV2Checkpoints"), "MergeV2Checkpoints"),
        (operation_in("traced_save", "RestoreV2"), "RestoreV2"),
        (operation_in("traced_save", "WriteFile"), "WriteFile"),
        (call_the_saver, "calls its saver"),
        (call_the_saver_outside, "calls its saver"),
        (offer_the_saver, "offers its savers"),
        (predict_by_the_saver, "does more than compute"),
        (restore_from_elsewhere, "savers"),
        (no_saver, "savers"),
        (pass_for_an_operation, "WriteFile passes for"),
        (call_by_name, "mine"),
        (hide_in_a_function_that_nobody_calls, "WriteFile"),
        (two_functions_of_one_name, "passes for"),
        (a_function_that_is_not_there, "nowhere"),
        (without_end, "without end"),
        (too_deep, "without end"),
        (nested_function, "hides something in body"),
        (nested_bytes, "hides something in body"),
        (long_text, "hides something in padding"),
        (odd_attribute, "attribute graph"),
        (odd_note, "attribute _kernel"),
        (note_with_a_function, "nowhere"),
        (note_with_a_tensor, "hides something in _class"),
        (list_of_tensors, "not filled in"),
        (placeholder, "not filled in"),
        (odd_type, "a type 4242"),
        (quantised, "DT_QINT8"),
        (odd_device, "/job:worker/task:1"),
        (text_constant, "text other than its classes"),
        (variant_constant, "DT_VARIANT"),
        (hidden_variant, "hides something"),
        (resource_constant, "hides something"),
        (enormous_constant, "1000000000000"),
        (settings(session_inter_op_thread_pool=[{}]), "setting"),
        (settings(graph_options={"rewrite_options": {"optimizers": ["mine"]}}), "graph_options"),
        (settings(experimental={"executor_type": "MINE"}), "experimental"),
        (damaged_settings, "damaged settings"),
        (executor, "executor_type"),
        (gradient, "gradients"),
        (registered_gradient, "gradients"),
        (function_attribute, "_XlaMustCompile"),
        (function_with_types_to_fill_in, "passes for"),
        (argument_attribute, "an argument with the attribute mine"),
        (asset, "files of its own"),
        (object_asset, "a asset"),
        (object_resource, "a resource"),
        (object_constant, "a constant"),
        (object_of_nothing, "None"),
        (object_that_is_registered, "savers of its own"),
        (object_with_a_saver, "savers of its own"),
        (object_with_save_functions, "savers of its own"),
        (object_with_slots, "savers of its own"),
        (object_of_keras, "_tf_keras_layer"),
        (object_optimizer, "optimizer"),
        (enormous_variable, "bytes"),
        (endless_variable, "shape"),
        (text_variable, "shape"),
        (no_objects, "cannot be called"),
        (main_operation, "when it is loaded"),
        (another_collection, "when it is loaded"),
        (init_operation, "when it is loaded"),
        (another_signature, "signatures of its own"),
        (another_method, "signatures of its own"),
        (signature_with_a_default, "signatures of its own"),
        (one_more_output, "label and probabilities"),
        (no_label, "label and probabilities"),
        (series_of_another_length, "does not speak of series"),
        (probabilities_that_are_none, "label and probabilities"),
        (other_labels, "other than its classes"),
        (one_more_label, "other than its classes"),
        (endless_labels, "other than its classes"),
        (another_tag, "tags"),
        (same_name_twice, "one name"),
        (more_classes, "3 classes"),
        (any_classes, "3 classes"),
        (other_input, "1 x 20"),
        (any_length, "1 x 20"),
        (two_inputs, "1 x 20"),
        (not_to_call, "cannot be called"),
        (call_nowhere, "cannot be called"),
        (two_ways_to_call, "more than one way"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_graphs_that_were_changed_are_refused(package, change, said):
    """Our own graph, with one thing in it changed, added or taken out."""
    saved = read_graph(package)
    change(saved.meta_graphs[0])
    write_graph(package, saved)
    assert said in sentence(package)


def test_two_graphs_are_refused(package):
    saved = read_graph(package)
    saved.meta_graphs.add().CopyFrom(saved.meta_graphs[0])
    write_graph(package, saved)
    assert "2 graphs" in sentence(package)


@pytest.mark.parametrize("content", [b"", b"\xff\x00 no graph", b"\x12\x7f"])
def test_a_damaged_graph_is_refused(package, content):
    (package / GRAPH).write_bytes(content)
    correct_size(package)
    sentence(package)


def test_random_changes_are_refused_in_one_sentence_or_do_no_harm(package):
    """Of bytes of the graph: whatever comes of it, it is no other error, and no other operation passes."""
    content = (package / GRAPH).read_bytes()
    rng = random.Random(0)
    said = []
    for _ in range(150):
        other = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            other[rng.randrange(len(other))] = rng.randrange(256)
        (package / GRAPH).write_bytes(other)
        try:
            check(package)
        except UntrustedModelError as error:
            said.append(str(error))
            continue
        graph = read_graph(package).meta_graphs[0]
        assert {node.op for node in function_of(graph, "__call__").node_def} <= COMPUTING
    assert len(said) > 20
    assert all(sentence.isprintable() for sentence in said)


def test_a_graph_whose_outputs_are_not_what_it_says_is_found_out_when_it_answers(package):
    """What it says of its outputs is its own word: here the network has two classes and claims three."""
    other = make(package.parent / "two", n_classes=2)
    saved = read_graph(other)
    more = signature_of(saved.meta_graphs[0]).output_signature.tensor_spec_value.shape.dim[1]
    more.size = 3
    outputs = saved.meta_graphs[0].signature_def["serving_default"].outputs
    outputs["probabilities"].tensor_shape.dim[1].size = 3
    shutil.rmtree(package / "tf2model/variables")
    shutil.copytree(other / "tf2model/variables", package / "tf2model/variables")
    write_graph(package, saved)
    graph = load_package(package).graph
    with pytest.raises(UntrustedModelError, match=r"not give the probabilities of its 3 classes \(.*\)\. `"):
        graph(tf.zeros((2, 1, 20), tf.float64))
