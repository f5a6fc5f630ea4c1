"""Foreign separators become bundles: the numbers of the network they came from, and nothing run from their files."""

import json
import os
import pickle
import socket
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import soundfile
import torch

from engine.bundle.bundle import load_bundle
from export import storage
from export.__main__ import main as export
from export.parity import TOLERANCE, Disagreement
from export.separators import spleeter, write
from export.separators.foreign import MASK_SPECTRUM, ForeignSeparator
from export.separators.fourier import RealFourier, RealStft
from training.metrics import si_sdr
from training.trainer.checkpoints import NUMPY_TYPES, read_checkpoint

PACKAGES = Path(__file__).parents[2] / ".packages"
DEMO = Path(__file__).parents[2] / "resources" / "demo"
pytestmark = pytest.mark.slow


class Evil:
    """Opens a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class Halves(torch.nn.Module):
    """Half of the mix is the voice; with weights large enough to be stored in fewer bits."""

    def __init__(self, channels=64):
        super().__init__()
        torch.manual_seed(0)
        self.wide = torch.nn.Conv2d(2, channels, 3, padding=1)
        self.middle = torch.nn.Conv2d(channels, channels, 5, padding=2)  # the layer that int8 makes smaller
        self.back = torch.nn.Conv2d(channels, 2, 3, padding=1)

    def forward(self, mix):
        voice = torch.sigmoid(self.back(torch.relu(self.middle(torch.relu(self.wide(mix))))))
        return voice, 1 - voice


def halves(**over):
    spectrum = over.pop("spectrum", None) or type(MASK_SPECTRUM)(fft_samples=256, hop_samples=64, bins=64, frames=64)
    rest = {"licence": "CC0-1.0", "attribution": ("nobody",), "source": "here"} | over
    return ForeignSeparator(
        name="halves", domain="spectral", stems=("vocals", "rest"), network=Halves().eval(), spectrum=spectrum, **rest
    )


def answers(folder, **given):
    session = onnxruntime.InferenceSession(str(folder / "separator.onnx"), providers=["CPUExecutionProvider"])
    return session.run(None, given)


# --- reading checkpoints


def test_code_in_a_checkpoint_is_never_run(tmp_path):
    path, touched = tmp_path / "evil.th", tmp_path / "touched"
    torch.save({"state": {"weight": Evil(touched)}}, path)
    with pytest.raises(ValueError, match="holds more than weights"):
        read_checkpoint(path, None, NUMPY_TYPES)
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(Evil(touched)))
    with pytest.raises(ValueError, match=r"holds more than weights|no PyTorch checkpoint"):
        read_checkpoint(tmp_path / "plain.pkl", None, NUMPY_TYPES)
    assert not touched.exists()


def test_a_checkpoint_of_another_hash_is_not_read(tmp_path):
    torch.save({"weight": torch.zeros(1)}, tmp_path / "a.ckpt")
    with pytest.raises(ValueError, match="has SHA-256"):
        read_checkpoint(tmp_path / "a.ckpt", "0" * 64)


def test_what_is_no_checkpoint_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "text.ckpt").write_text("hello")
    (tmp_path / "empty.ckpt").write_bytes(b"")
    for name in ("text.ckpt", "empty.ckpt", "missing.ckpt"):
        with pytest.raises(ValueError, match=r"no PyTorch checkpoint|holds more|no checkpoint"):
            read_checkpoint(tmp_path / name)


# --- transforms


@pytest.mark.parametrize("size", [256, 4096, 6144])
def test_the_transform_gives_the_numbers_of_torch(size):
    x = torch.randn(3, size, generator=torch.Generator().manual_seed(0))
    real, imaginary = RealFourier(size).analyse(x)
    wanted = torch.fft.rfft(x)
    torch.testing.assert_close(real, wanted.real, atol=2e-4, rtol=0)
    torch.testing.assert_close(imaginary, wanted.imag, atol=2e-4, rtol=0)
    torch.testing.assert_close(RealFourier(size).synthesise(real, imaginary), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("fft", "hop", "samples"), [(1024, 256, 5120), (256, 128, 1000), (768, 256, 4000)])
def test_the_short_time_transform_gives_the_numbers_of_torch(fft, hop, samples):
    x = torch.randn(2, 2, samples, generator=torch.Generator().manual_seed(0))
    transform = RealStft(fft, hop, samples)
    real, imaginary = transform.analyse(x)
    window = torch.hann_window(fft)
    wanted = torch.stft(x.flatten(0, 1), fft, hop, window=window, return_complex=True).unflatten(0, (2, 2))
    torch.testing.assert_close(real, wanted.real, atol=1e-4, rtol=0)
    torch.testing.assert_close(imaginary, wanted.imag, atol=1e-4, rtol=0)
    back = torch.istft(wanted.flatten(0, 1), fft, hop, window=window, length=samples).unflatten(0, (2, 2))
    torch.testing.assert_close(transform.synthesise(real, imaginary), back, atol=1e-5, rtol=0)


# --- writing


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_network_becomes_a_bundle(tmp_path, precision):
    manifest = write.write_separator(halves(), tmp_path / "halves", "halves", "1.2.3", precision)
    bundle = load_bundle(tmp_path / "halves")
    assert bundle.separator == manifest
    assert bundle.label == "halves 1.2.3"
    mix = np.random.default_rng(0).random((3, 2, 64, 64), dtype=np.float32)
    with torch.inference_mode():
        wanted = Halves().eval()(torch.from_numpy(mix))
    for got, want in zip(answers(tmp_path / "halves", mix=mix), wanted, strict=True):
        np.testing.assert_allclose(got, want.numpy(), atol={"fp32": 1e-5, "fp16": 1e-3, "int8": 1e-2}[precision])
    assert manifest.parity["measured"] <= manifest.parity["tolerance"]


def test_fewer_bits_are_fewer_bytes(tmp_path):
    sizes = []
    for precision in ("fp32", "fp16", "int8"):
        write.write_separator(halves(), tmp_path / precision, "halves", "1", precision)
        sizes.append(len((tmp_path / precision / "separator.onnx").read_bytes()))
    assert sizes[0] > sizes[1] > sizes[2]


def test_a_graph_that_disagrees_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setitem(TOLERANCE, "int8", 1e-9)
    with pytest.raises(Disagreement, match="nothing was written"):
        write.write_separator(halves(), tmp_path / "out", "halves", "1", "int8")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("over", [{"licence": ""}, {"attribution": ()}, {"rate_hz": 1}])
def test_a_bundle_that_no_reader_would_take_is_not_written(tmp_path, over):
    with pytest.raises(ValueError, match=r"must be"):
        write.write_separator(halves(**over), tmp_path / "out", "halves", "1", "fp32")
    assert not list(tmp_path.iterdir())


def test_whole_numbers_and_scales_come_back_as_the_weights():
    values = np.random.default_rng(0).normal(size=(8, 4, 5, 5)).astype(np.float32)
    values[3] = 0
    whole, scale = storage.quantized(values, 0)
    assert scale.shape == (8, 4, 1, 1)
    np.testing.assert_allclose(whole * scale.astype(np.float32), values, atol=np.abs(values).max() / 127)
    _, of_matrix = storage.quantized(values[:, :, 0, 0], -1)
    assert of_matrix.shape == (1, 4)


# --- Spleeter


@pytest.fixture(scope="module")
def checkpoints():
    """The folder of Spleeter's weights in the installed package."""
    try:
        return spleeter.package_folder()
    except ValueError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def spleeter_bundle(checkpoints, tmp_path_factory):
    """Spleeter's voice in 8 bits, made by the command."""
    folder = tmp_path_factory.mktemp("spleeter") / "spleeter"
    assert export(["separator", "spleeter", str(folder), "--precision", "int8"]) == 0
    return folder


def test_spleeter_knows_its_terms_and_fits(spleeter_bundle):
    separator = load_bundle(spleeter_bundle).separator
    assert separator.stems == ["vocals"]
    assert separator.licence == "MIT"
    assert any("Deezer" in line for line in separator.attribution)
    assert (spleeter_bundle / "separator.onnx").stat().st_size < 11_500_000


def test_other_weights_are_not_taken_for_spleeters(checkpoints, tmp_path):
    other = {
        "down1_conv.1.weight": np.zeros((16, 2, 5, 5), np.float32),
    }
    torch.save(other, tmp_path / "testcheckpoint0.ckpt")
    assert export(["separator", "spleeter", str(tmp_path), str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def test_spleeter_takes_a_voice_out_of_a_mix(spleeter_bundle, tmp_path, fluxstem):
    """Real weights from end to end: the demo's singer goes to the stem, the band to the rest, nothing is lost."""
    words = ["--region", "0-6", "--bundle", spleeter_bundle, "--out", tmp_path / "out", "--json"]
    done, said = fluxstem("isolate", DEMO / "mix.flac", "vocals", *words)
    assert done.returncode == 0, done.stderr
    assert said["null_db"] == -300.0
    [stem, mix, voice] = (
        soundfile.read(path, frames=6 * 44_100, dtype="float32", always_2d=True)[0].T
        for path in (said["stem"], DEMO / "mix.flac", DEMO / "vocals.flac")
    )
    assert si_sdr(mix, voice) < -3
    assert si_sdr(stem, voice) > 5


# --- HTDemucs and Open-Unmix


@pytest.fixture
def packages(monkeypatch):
    """The code of demucs and openunmix, which `make test` puts into .packages."""
    if not (PACKAGES / "demucs").is_dir() or not (PACKAGES / "openunmix").is_dir():
        pytest.skip("no code of demucs and openunmix in .packages: `make test` puts it there, where it can be fetched")
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path, str(PACKAGES)])
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("demucs", "openunmix", "torchaudio"):
            del sys.modules[name]


def test_htdemucs_without_complex_numbers_is_htdemucs(tmp_path, packages, fluxstem, monkeypatch):
    from demucs.htdemucs import HTDemucs

    from export.separators import htdemucs

    torch.manual_seed(0)
    kwargs = {"channels": 8, "depth": 4, "nfft": 1024, "t_layers": 1, "t_heads": 2, "segment": 1, "bottom_channels": 16}
    network = HTDemucs(["drums", "bass", "other", "vocals"], **kwargs).eval()
    checkpoint = {"klass": HTDemucs, "args": [["drums", "bass", "other", "vocals"]], "kwargs": kwargs}
    torch.save(checkpoint | {"state": network.state_dict(), "training_args": {}}, tmp_path / "mine.th")
    audio = torch.randn(2, 2, 44_100) * 0.1
    with torch.inference_mode():
        wanted = network(audio)
    words = ["separator", "htdemucs", str(tmp_path / "mine.th"), str(tmp_path / "out")]
    assert export([*words, "--licence", "CC0-1.0", "--credit", "trained by nobody"]) == 0
    separator = load_bundle(tmp_path / "out").separator
    assert separator.stems == ["drums", "bass", "other", "vocals"]
    assert separator.licence == "CC0-1.0", "weights of one's own are not Meta's"
    assert separator.attribution == [*htdemucs.ATTRIBUTION, "trained by nobody"]
    monkeypatch.setattr(htdemucs, "_fetch", lambda name: tmp_path / "mine.th")
    assert "scientific purposes only" in htdemucs.foreign(None, "htdemucs").licence, "their code is MIT"
    got = np.stack(answers(tmp_path / "out", audio=audio.numpy()), axis=1)
    assert np.sqrt(np.mean((got - wanted.numpy()) ** 2) / np.mean(wanted.numpy() ** 2)) < 2e-2
    assert f"{HTDemucs.__module__}.{HTDemucs.__name__}" == htdemucs.CLASS
    mix = tmp_path / "mix.wav"
    soundfile.write(mix, 0.1 * np.random.default_rng(0).standard_normal((60_000, 2)), 44_100, subtype="PCM_24")
    done, said = fluxstem("isolate", mix, "bass", "--bundle", tmp_path / "out", "--out", tmp_path / "stems", "--json")
    assert done.returncode == 0, done.stderr
    assert said["null_db"] == -300.0


def test_a_checkpoint_of_another_class_is_no_htdemucs(tmp_path, capsys):
    torch.save({"klass": "demucs.hdemucs.HDemucs", "args": [], "kwargs": {}, "state": {}}, tmp_path / "other.th")
    assert export(["separator", "htdemucs", str(tmp_path / "other.th"), str(tmp_path / "out")]) == 2
    assert "is not the checkpoint of one HTDemucs" in capsys.readouterr().err


def test_layers_of_an_lstm_one_by_one_are_the_lstm():
    from export.separators.openunmix import LayeredLstm

    torch.manual_seed(0)
    for both_ways in (True, False):
        whole = torch.nn.LSTM(6, 5, num_layers=3, bidirectional=both_ways)
        x = torch.randn(7, 2, 6)
        with torch.inference_mode():
            torch.testing.assert_close(LayeredLstm(whole)(x)[0], whole(x)[0])


def test_openunmix_without_complex_numbers_is_openunmix(tmp_path, packages, fluxstem):
    from export.separators import openunmix

    architecture = openunmix._architecture()
    torch.manual_seed(0)
    nets = {stem: architecture(nb_bins=129, hidden_size=16, max_bin=100).eval() for stem in ("vocals", "drums")}
    for stem, net in nets.items():
        torch.save(net.state_dict(), tmp_path / f"{stem}.pth")
    settings = {"nfft": 256, "nhop": 64, "sample_rate": 44_100, "nb_channels": 2}
    (tmp_path / "separator.json").write_text(json.dumps(settings))
    words = ["separator", "openunmix", tmp_path, tmp_path / "out", "--window-s", 0.1, "--precision", "fp32"]
    assert export([str(word) for word in words]) == 0
    separator = load_bundle(tmp_path / "out").separator
    assert separator.stems == ["drums", "vocals"]
    assert separator.licence == "that of the weights", "nobody said it"
    graph = onnx.load(str(tmp_path / "out" / "separator.onnx")).graph
    assert sum(node.op_type == "LSTM" for node in graph.node) == 2 * 3, "a node for each layer, and no traced steps"
    samples = separator.window_samples
    audio = torch.randn(2, samples, generator=torch.Generator().manual_seed(1)) * 0.1
    window = torch.hann_window(256)
    spectra = torch.stft(audio, 256, 64, window=window, return_complex=True)
    with torch.inference_mode():
        claimed = {stem: net(spectra.abs()[None])[0] for stem, net in nets.items()}  # by the package's own forward
    whole = torch.maximum(sum(claimed.values()), spectra.abs())
    wanted = [torch.istft(spectra * claimed[stem] / whole, 256, 64, window=window, length=samples) for stem in claimed]
    for one, other in zip(answers(tmp_path / "out", audio=audio.numpy()[None]), reversed(wanted), strict=True):
        np.testing.assert_allclose(one[0], other.numpy(), atol=1e-4)
    mix = tmp_path / "mix.wav"
    soundfile.write(mix, 0.1 * np.random.default_rng(0).standard_normal((60_000, 2)), 44_100, subtype="PCM_24")
    done, said = fluxstem("isolate", mix, "drums", "--bundle", tmp_path / "out", "--out", tmp_path / "stems", "--json")
    assert done.returncode == 0, done.stderr
    assert said["null_db"] == -300.0


@pytest.mark.parametrize(
    ("kind", "words", "said"),
    [
        ("spleeter", ["--download", "spleeter"], "spleeter takes no --download; that is for htdemucs or openunmix"),
        ("onnx", ["--download", "htdemucs"], "onnx takes no --download"),
        ("htdemucs", ["--nets", "pair"], "htdemucs takes no --nets; that is for spleeter"),
        ("htdemucs", ["--window-s", "3"], "htdemucs takes no --window-s; that is for openunmix"),
        ("spleeter", ["--licence", "CC0-1.0"], "spleeter takes no --licence"),
        ("openunmix", ["--stems", "vocals"], "openunmix takes no --stems; that is for onnx"),
        ("openunmix", ["--download", "umxl", "--licence", "MIT"], "the licence of the published umxl is known"),
    ],
)
def test_a_kind_refuses_what_it_would_not_heed(tmp_path, capsys, kind, words, said):
    assert export(["separator", kind, str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# --- the network


@pytest.mark.parametrize("kind", ["spleeter", "htdemucs", "openunmix", "onnx"])
def test_nothing_is_fetched_unless_it_is_asked_for(tmp_path, kind, monkeypatch):
    def refused(*_):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refused)
    words = (
        [str(tmp_path / "missing"), str(tmp_path / "out")] if kind in ("spleeter", "onnx") else [str(tmp_path / "out")]
    )
    assert export(["separator", kind, *words]) == 2
    assert not (tmp_path / "out").exists()
