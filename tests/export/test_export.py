import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import soundfile
import torch
from clihelp import say
from PIL import Image
from showfiles import RED, plain

from engine import Engine
from engine.bundle.bundle import FORMAT, load_bundle
from engine.tasks import TASKS
from export.__main__ import main
from export.graphs import specs
from export.parity import Disagreement, check
from export.write import read_preset, write_bundle
from training.flow.train import load_flow
from training.prompt.tower import load_text_tower
from training.text.tokenizer import encode

ROOT = Path(__file__).parents[2]


def session(bundle, name):
    return onnxruntime.InferenceSession(str(bundle / f"{name}.onnx"), providers=["CPUExecutionProvider"])


def test_an_exported_bundle_is_whole_and_says_what_it_is(tiny_run):
    manifest = load_bundle(tiny_run.bundle).manifest
    assert manifest.name == "tiny"
    assert set(manifest.defaults) == set(TASKS)
    assert (manifest.defaults["isolate"].steps, manifest.defaults["isolate"].start) == (1, "zeros")
    assert manifest.defaults["generate"].steps == 8
    assert manifest.attribution
    assert manifest.parity["measured"] <= manifest.parity["tolerance"]


def test_no_graph_names_the_machine_that_exported_it(tiny_run):
    for path in tiny_run.bundle.iterdir():
        assert str(ROOT).encode() not in path.read_bytes()


def test_graphs_take_any_batch_and_answer_silence_with_numbers(tiny_run):
    samples = tiny_run.preset.grid.grid.window_samples
    encode, decode = session(tiny_run.bundle, "encode"), session(tiny_run.bundle, "decode")
    for rows in (1, 3, 5):
        [latents] = encode.run(None, {"audio": np.zeros((rows, 1, samples), np.float32)})
        [audio] = decode.run(None, {"latents": latents})
        assert np.isfinite(latents).all()
        assert np.isfinite(audio).all()
        assert audio.shape == (rows, 1, samples)


def test_phrases_are_read_as_the_prompt_tower_reads_them(tiny_run):
    tower, tokenizer = load_text_tower(tiny_run.prompt)
    tokens, mask = encode(tokenizer, ["fiddle", "The RHODES", "upright-bass", "just the drum kit please", "?"], 16)
    [read] = session(tiny_run.bundle, "text").run(None, {"tokens": tokens, "token_mask": mask})
    with torch.no_grad():
        wanted = tower(torch.from_numpy(tokens), torch.from_numpy(mask))
    np.testing.assert_allclose(read, wanted, atol=5e-3)  # weights of 16 bits


def test_a_graph_that_differs_from_torch_is_refused_and_nothing_is_written(
    tiny_run, exported_before, tmp_path, monkeypatch
):
    def spoilt(spec, path, half):
        exported_before(spec, path, half)
        if spec.name == "step":
            model = onnx.load(path)
            for weights in model.graph.initializer:
                if weights.data_type == onnx.TensorProto.FLOAT16:
                    values = onnx.numpy_helper.to_array(weights) * np.float16(1.2)
                    weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
            onnx.save(model, path)

    monkeypatch.setattr("export.write.export_graph", spoilt)
    with pytest.raises(Disagreement, match="differ by"):
        write_bundle(tiny_run.flow, tmp_path / "bad", "bad", "1", half=True, replace=False)
    assert not list(tmp_path.iterdir())


def test_an_answer_that_is_no_number_is_a_disagreement(tiny_run):
    graphs = specs(read_preset(tiny_run.flow), tiny_run.flow)
    files = {spec.name: tiny_run.bundle / f"{spec.name}.onnx" for spec in graphs}
    next(iter(graphs)).module.codec.latent_std.fill_(math.nan)
    with pytest.raises(Disagreement):
        check(graphs, files, 8000, "fp16", 2)


def test_half_weights_take_half_the_room(tiny_run):
    weights = load_flow(tiny_run.preset, tiny_run.flow).state_dict().values()
    whole = sum(value.numel() * value.element_size() for value in weights)
    assert (tiny_run.bundle / "step.onnx").stat().st_size < 0.75 * whole


@pytest.mark.parametrize(
    ("argv", "said"), [(["nowhere", "b"], "not a finished flow run"), (["RUN", "TAKEN"], "there already")]
)
def test_a_wrong_request_ends_with_one_sentence(tiny_run, capsys, tmp_path, argv, said):
    names = {"RUN": str(tiny_run.flow), "TAKEN": str(tiny_run.bundle)}
    assert main([names.get(word, str(tmp_path / word)) for word in argv]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("exported_before")
def test_replace_puts_the_new_bundle_in_the_old_place(tiny_run, tmp_path):
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "old.txt").write_text("old")
    write_bundle(tiny_run.flow, folder, "b", "2", half=True, replace=True)
    assert load_bundle(folder).manifest.version == "2"
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_the_command_line_isolates_with_a_bundle_trained_and_exported_here(tiny_run, tones, fluxstem, tmp_path):
    mix = tmp_path / "my mix.wav"
    audio_CN = tones(7.3, 44100, 2, (110.0, 440.0, 1760.0))
    soundfile.write(mix, audio_CN.T, 44100, subtype="PCM_24")
    done, said = fluxstem("isolate", mix, "violin", "--bundle", tiny_run.bundle, "--out", tmp_path / "o", "--json")
    assert done.returncode == 0, done.stderr
    given, stem, rest = (soundfile.read(path, dtype="float32")[0] for path in (mix, said["stem"], said["rest"]))
    np.testing.assert_array_equal(stem + rest, given)
    assert said["null_db"] == -300


@pytest.fixture(scope="module")
def engine():
    with Engine() as running:
        yield running


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_answered_by_a_bundle_trained_here(tiny_run, tones, engine, capsys, tmp_path, task):
    given = tmp_path / "in.wav"
    soundfile.write(given, tones(3.0, 22050, 1).T, 22050)
    words = {
        "generate": ["generate", "cello", "--seconds", 3],
        "arrange": ["arrange", "cello", "--seconds", 3],
        "inpaint": ["inpaint", given, "cello", "--region", "1.0-2.0"],
        "extend": ["extend", given, "cello", "--seconds", 2],
        "replace": ["replace", given, "cello", "--with", "flute"],
    }.get(task, [task, given, "cello"])
    words += ["--bundle", tiny_run.bundle, "--out", tmp_path / "o", "--steps", 2, "--json"]
    said = say(capsys, engine, words)
    assert said.code == 0, said.err
    answer = soundfile.read(said.json["rest" if task == "remove" else "stem"])[0]
    assert np.isfinite(answer).all()
    assert len(answer)


def test_a_bundle_trained_here_reads_stories_hears_and_sees(tiny_run, tones, engine, capsys, tmp_path):
    given, shown = tmp_path / "in.wav", tmp_path / "red.png"
    soundfile.write(given, tones(3.0, 22050, 1).T, 22050, subtype="FLOAT")  # whole numbers would round it all
    Image.fromarray(plain(RED)).save(shown)
    story = "Rain falls on the river while the whole village is still asleep. " * 4  # names nothing, so it is read
    answers = []
    for kind, value in (("text", "violin"), ("text", story), ("audio", given), ("image", shown)):
        words = ["isolate", given, f"--prompt-{kind}", value, "--bundle", tiny_run.bundle, "--json"]
        said = say(capsys, engine, [*words, "--render", "decoded", "--out", tmp_path / str(len(answers))])
        assert said.code == 0, said.err
        answers.append(soundfile.read(said.json["stem"])[0])
    for number, answer in enumerate(answers):
        assert np.isfinite(answer).all()
        assert not any(np.array_equal(answer, other) for other in answers[:number])


def test_the_codec_alone_can_be_measured(tiny_run, tmp_path):
    np.save(tmp_path / "in.npy", np.random.default_rng(0).normal(0, 0.1, (3, 5000)).astype(np.float32))
    command = [sys.executable, "-m", "export.roundtrip", tiny_run.bundle, tmp_path / "in.npy", tmp_path / "out.npy"]
    subprocess.run([str(word) for word in command], check=True, cwd=ROOT)
    assert np.load(tmp_path / "out.npy").shape == (3, 5000)


def test_the_manifest_is_plain_json(tiny_run):
    assert json.loads((tiny_run.bundle / "manifest.json").read_text("utf-8"))["format"] == FORMAT
