"""Promises of plain convolutions in the place of transposed ones: the same answers and weights, and nothing else."""

import itertools
import shutil
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.bundle.bundle import load_bundle, manifest_to_json, write_manifest
from engine.bundle.graph_check import check_graph
from export.__main__ import main
from export.mask import mask_spec
from export.storage import store_weights
from export.to_onnx import export_graph
from export.upsampling import rewrite
from export.write import graph_entry
from training.finetune.graph_values import values_of
from training.finetune.mask import read_mask


def whole(name, values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def unet(channels=(24, 40, 16), stride=2, kernel=5, cut=(1, -2), bias=True):
    """Two doublings by transposed convolutions whose edges are cut, with what stands between them in a U-Net."""
    rng = np.random.default_rng(0)
    sizes = {"start": cut[0], "end": cut[1], "rows": 2, "bins": 3}
    nodes, tensors, at = [], [whole(name, [size]) for name, size in sizes.items()], "x"
    for number, (given, made) in enumerate(itertools.pairwise(channels)):
        weight = rng.standard_normal((given, made, kernel, kernel), np.float32) / 20
        tensors.append(numpy_helper.from_array(weight, f"weight{number}"))
        inputs = [at, f"weight{number}"]
        if bias:
            tensors.append(numpy_helper.from_array(rng.standard_normal(made, np.float32), f"bias{number}"))
            inputs.append(f"bias{number}")
        nodes += [
            helper.make_node(
                "ConvTranspose", inputs, [f"wide{number}"], strides=[stride] * 2, kernel_shape=[kernel] * 2
            ),
            helper.make_node("Slice", [f"wide{number}", "start", "end", "rows"], [f"cut{number}"]),
            helper.make_node("Slice", [f"cut{number}", "start", "end", "bins"], [f"both{number}"]),
            helper.make_node("Relu", [f"both{number}"], [f"relu{number}"]),
        ]
        at = f"relu{number}"
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)
        for name, axes in (("x", ["B", channels[0], "T", "F"]), (at, ["B", channels[-1], "T2", "F2"]))
    ]
    graph = helper.make_graph(nodes, "unet", values[:1], values[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def answer(model, x):
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("bias", [True, False])
def test_the_answer_is_the_same_but_for_rounding_and_so_are_the_weights(precision, bias):
    model = unet(bias=bias)
    if precision != "fp32":
        store_weights(model, precision)
    before = onnx.ModelProto.FromString(model.SerializeToString())
    assert rewrite(model) == 2
    onnx.checker.check_model(model, full_check=True)
    assert not {"ConvTranspose"} & {node.op_type for node in model.graph.node}
    for rows, frames, bins in ((1, 5, 7), (3, 8, 4)):
        x = np.random.default_rng(rows).standard_normal((rows, 24, frames, bins), np.float32)
        expected = answer(before, x)
        assert expected.shape == (rows, 16, 4 * frames, 4 * bins)
        np.testing.assert_allclose(answer(model, x), expected, atol=2e-6 * np.abs(expected).max())
    kept, known = values_of(model.graph), values_of(before.graph)
    assert kept.keys() == known.keys()
    assert all(np.array_equal(kept[name], known[name]) for name in known)
    assert rewrite(model) == 0  # nothing is left


@pytest.mark.parametrize("other", [{"stride": 3}, {"kernel": 4}, {"cut": (2, -1)}, {"cut": (0, -3)}])
def test_other_sizes_and_cuts_stay_as_they_are(other):
    model = unet(**other)
    before = model.SerializeToString()
    assert rewrite(model) == 0
    assert model.SerializeToString() == before


def test_what_is_needed_uncut_stays():
    model = unet()
    model.graph.output.append(helper.make_tensor_value_info("wide1", TensorProto.FLOAT, ["B", 16, "T3", "F3"]))
    assert rewrite(model) == 1
    model = unet()
    model.graph.node.append(helper.make_node("Relu", ["cut0"], ["uncut"]))
    assert rewrite(model) == 1


@pytest.fixture(scope="module")
def transposed(tmp_path_factory):
    """The shipped bundle with a mask graph as torch exports it."""
    folder = tmp_path_factory.mktemp("bundles") / "plain"
    shutil.copytree("resources/bundles/small", folder)
    base = load_bundle(folder)
    network, adapter, bias = read_mask(base)
    spec = mask_spec(network, adapter, bias=bias)
    export_graph(spec, folder / "mask.onnx", half=False)
    graphs = {**base.manifest.graphs, "mask": graph_entry(spec, folder, "fp32")}
    write_manifest(folder, manifest_to_json(replace(base.manifest, graphs=graphs)))
    return load_bundle(folder)


@pytest.mark.slow
def test_a_bundle_becomes_one_whose_graphs_answer_the_same(transposed, tmp_path, capsys):
    assert main(["upsampling", str(transposed.folder), str(tmp_path / "fast"), "--version", "9.9.9"]) == 0
    assert "fast 9.9.9" in capsys.readouterr().out
    made = load_bundle(tmp_path / "fast")
    old, new = transposed.manifest.graphs, made.manifest.graphs
    assert {name for name, graph in old.items() if new[name] != graph} == {"mask"}
    graph = new["mask"]
    assert not any(node.op_type == "ConvTranspose" for node in onnx.load(made.path(graph.file)).graph.node)
    check_graph(made.path(graph.file).read_bytes(), graph.inputs, graph.outputs)
    assert not (made.folder / "manifest.json.minisig").exists()
    assert main(["upsampling", str(made.folder), str(tmp_path / "again")]) == 2
    assert "no graph of" in capsys.readouterr().err


def test_the_shipped_bundle_has_plain_convolutions(small_bundle):
    bundle = load_bundle(small_bundle)
    for name in ("mask", "expert-spleeter"):
        graph = onnx.load(bundle.path(bundle.manifest.graphs[name].file)).graph
        assert not any(node.op_type == "ConvTranspose" for node in graph.node), name
