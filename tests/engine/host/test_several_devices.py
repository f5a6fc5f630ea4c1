"""Several cards and one queue, a device that breaks down, and engines that are built beside the jobs."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest
from fakeruntime import DeviceFault, FakeRuntime

from engine.errors import DeviceError, DeviceLost
from engine.events import Done, Failed, Progress, StemResult
from engine.host import client
from engine.host.client import BROKE_DOWN, Engine
from engine.host.engines_ahead import EnginesAhead
from engine.request import Request
from engine.runtime.engine_build import BuildStep, EngineBuild, build_engines
from engine.runtime.onnx_providers import OnnxRuntime
from engine.runtime.settings import settings_for
from engine.runtime.tensorrt import is_built

ROOT = str(Path(__file__).resolve().parents[3])
FIGURES = {
    "stem": None,
    "rest": None,
    "sidecar": "",
    "null_db": None,
    "presence": 1.0,
    "gain_db": 0.0,
    "level_db": None,
}
RESULT = StemResult(prompt="bass", **FIGURES)
DONE = Done("job", (RESULT,), 0.1, "CUDAExecutionProvider", "toy 0.1")

# A real process with the real queue, whose work notes what it is asked and breaks down as often as ``MOST`` says.
HOST = f"""
import os, sys, time
sys.path.insert(0, {ROOT!r})
from pathlib import Path
from engine.errors import DeviceLost
from engine.events import Done, StemResult
from engine.host.main import _take_pipes, serve
from engine.runtime.engine_build import ON_STEP, BuildStep
commands, events = _take_pipes()
folder, most = Path(sys.argv[1]), int(sys.argv[2])
def work(job, request, report, check):
    time.sleep(0.05)
    with (folder / "asked").open("a") as file:
        file.write(f"{{os.getpid()}} {{request.device}} {{request.prompts[0]}}\\n")
    if request.prompts[0] == "broken" and len((folder / "asked").read_text().split("broken")) - 1 <= most:
        raise DeviceLost("the device broke down ({{reason}})", reason="CUDA 719")
    if request.prompts[0].startswith("built "):
        for tell in ON_STEP:
            tell(BuildStep(*map(int, request.prompts[0].split()[1:])))
    result = StemResult(prompt="", **{FIGURES!r})
    return Done(job, (result,), 0.1, "CUDAExecutionProvider", "toy 0.1")
serve(commands, events, work)
os._exit(0)
"""


@pytest.fixture
def engine(tmp_path):
    made = []

    def start(most=0, **settings):
        command = (sys.executable, "-P", "-c", HOST, str(tmp_path), str(most))
        made.append(Engine(settings.pop("on_event", None), host_command=command, **settings))
        return made[-1]

    yield start
    for one in made:
        one.close()


def asked(tmp_path):
    return [line.split(" ", 2) for line in (tmp_path / "asked").read_text().splitlines()]


def request(tmp_path, prompt="bass", device="auto"):
    return Request(task="generate", prompts=(prompt,), out=str(tmp_path), device=device)


def test_each_card_has_a_process_and_all_have_one_queue(engine, tmp_path):
    several = engine(cards=2)
    for job in [several.submit(request(tmp_path)) for _ in range(6)]:
        several.wait(job, 90)
    rows = asked(tmp_path)
    assert {device for _, device, _ in rows} == {"auto:0", "auto:1"}
    assert len({pid for pid, _, _ in rows}) == 2 == len(several.host_pids)


def test_a_card_that_is_named_and_the_cpu_keep_their_place(engine, tmp_path):
    several = engine(cards=2)
    jobs = [several.submit(request(tmp_path, device=device)) for device in ("cuda:1", "cuda:1", "cpu", "cuda:7")]
    for job in jobs:
        several.wait(job, 90)
    assert sorted(device for _, device, _ in asked(tmp_path)) == ["cpu", "cuda:1", "cuda:1", "cuda:7"]
    assert len({pid for pid, device, _ in asked(tmp_path) if device == "cuda:1"}) == 1


def test_without_several_cards_there_is_one_process_and_devices_stay_as_asked(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "usable_cards", lambda: 1)
    one = engine()
    for job in [one.submit(request(tmp_path)) for _ in range(3)]:
        one.wait(job, 90)
    assert {device for _, device, _ in asked(tmp_path)} == {"auto"}
    assert len({pid for pid, _, _ in asked(tmp_path)}) == 1


def test_after_a_breakdown_the_job_begins_anew_in_another_process_and_says_so(engine, tmp_path):
    events = []
    one = engine(most=1, on_event=events.append, cards=1)
    broken, next_one = (one.submit(request(tmp_path, prompt)) for prompt in ("broken", "bass"))
    done = one.wait(broken, 90)
    assert done.results[0].notes == (BROKE_DOWN,)
    assert one.wait(next_one, 90).results[0].notes == ()
    rows = asked(tmp_path)
    assert [prompt for _, _, prompt in rows] == ["broken", "broken", "bass"]
    assert len({pid for pid, _, _ in rows}) == 2
    assert any(isinstance(event, Progress) and "broke down" in event.stage for event in events)
    assert not any(isinstance(event, Failed) for event in events)


def test_after_a_second_breakdown_the_job_fails_and_the_next_has_a_new_process(engine, tmp_path):
    one = engine(most=2, cards=1)
    broken, next_one = (one.submit(request(tmp_path, prompt)) for prompt in ("broken", "bass"))
    with pytest.raises(DeviceLost, match="CUDA 719"):
        one.wait(broken, 90)
    one.wait(next_one, 90)
    pids = [pid for pid, _, _ in asked(tmp_path)]
    assert len(pids) == len(set(pids)) == 3


class Graphs:
    """What ``EnginesAhead`` looks at."""

    def __init__(self, wanted):
        self.wants_engines, self.forgotten = wanted, 0

    def forget_models(self):
        self.forgotten += 1


def build_of(code):
    return lambda folder, device, precision: EngineBuild(
        folder, device, precision, command=[sys.executable, "-c", code]
    )


def test_engines_are_built_beside_the_jobs_and_then_used(tmp_path):
    lines = [json.dumps(dataclasses.asdict(BuildStep(n, 2, "a.onnx"))) for n in range(3)]
    ahead = EnginesAhead(build_of(f"print({chr(10).join(lines)!r})"))
    graphs = Graphs((tmp_path, "auto", "float32"))
    noted = ahead.after(graphs, DONE)
    assert "engines are being built in the background" in noted.results[0].notes[0]
    assert list(ahead._build.steps())[-1] == BuildStep(2, 2, "a.onnx")
    ahead.before(graphs)
    assert graphs.forgotten == 1
    graphs.wants_engines = None
    assert ahead.after(graphs, DONE) == DONE


def test_how_far_the_engines_are_is_known_while_they_are_built(engine, tmp_path):
    one = engine(cards=1)
    assert one.engines_being_built == (0, 0)
    for prompt, expected in (("built 0 11", (0, 11)), ("built 2 11", (2, 11)), ("built 0 0", (0, 0))):
        one.wait(one.submit(request(tmp_path, prompt)), 90)
        assert one.engines_being_built == expected


def test_a_step_that_takes_long_is_told_again_and_again(tmp_path):
    build = build_of("import time; time.sleep(1)")(tmp_path, "auto", "float32")
    assert list(build.steps(0.05))[:3] == 3 * [BuildStep(0, 0)]
    assert build.is_good


def test_a_build_that_fails_is_not_tried_again_and_nothing_is_opened_anew(tmp_path):
    ahead = EnginesAhead(build_of('import sys; print(\'{"failed": "no TensorRT"}\'); sys.exit(1)'))
    graphs = Graphs((tmp_path, "auto", "float32"))
    ahead.after(graphs, DONE)
    list(ahead._build.steps())
    assert ahead._build.why == "no TensorRT"
    ahead.before(graphs)
    assert graphs.forgotten == 0
    assert ahead.after(graphs, DONE) == DONE


def test_a_build_that_is_given_up_leaves_no_process(tmp_path):
    ahead = EnginesAhead(build_of("import time; time.sleep(600)"))
    ahead.after(Graphs((tmp_path, "auto", "float32")), DONE)
    ahead.close()
    assert ahead._build.is_over or ahead._build._process.returncode is not None


def test_all_graphs_of_a_bundle_get_an_engine_and_one_that_cannot_is_named(toy_bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    graphs = sorted(toy_bundle.glob("*.onnx"))
    steps = []
    slow = FakeRuntime({"tensorrt": DeviceFault(opening_s=0.01)}, OnnxRuntime())
    assert build_engines(toy_bundle, "tensorrt", steps.append, runtime=slow)
    assert [step.done for step in steps] == list(range(len(graphs) + 1))
    assert [step.under_way for step in steps] == [*(graph.name for graph in graphs), ""]
    assert all(is_built(graph, settings_for("tensorrt")) for graph in graphs)
    bad = FakeRuntime({"tensorrt": DeviceFault(opens=1)}, OnnxRuntime())
    steps.clear()
    assert not build_engines(toy_bundle, "cuda:0", steps.append, runtime=bad)
    assert "cudnn64_9" in steps[-1].why
    with pytest.raises(DeviceError, match="device tensorrt cannot be used"):
        build_engines(toy_bundle, "tensorrt", steps.append, runtime=FakeRuntime({}, OnnxRuntime()))
