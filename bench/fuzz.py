"""Fuzz what reads strangers' bytes: heads, WARC, zip, pages, times, feeds, robots, jobs, queries.

    python -m bench.fuzz --minutes N [--target NAME] [--engine guided|generated]
    python -m bench.fuzz --target NAME --repeat FILE

Each target has a share of the CPU minutes, half of it for inputs that Hypothesis makes out of
samples of ours, half for atheris, which is guided by coverage (``pip install -e .[fuzz]``). A
finding is an error that the documentation does not name, an input that takes more than 5 CPU
seconds, or a result that no input may have. Each is printed once with a way to repeat it, made
shorter, and kept in ``build/fuzz``. Exit status 1 if there is any.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.fuzzing.findings import Findings

FOLDER = Path("build/fuzz")
ENGINES = ("generated", "guided")
#: What atheris counts the branches of.
_WATCHED = ["archive", "pipelines", "crawler"]
#: Seconds after which an input that does not end is given up, and the most memory, MB.
_GIVEN_UP, _MEMORY = 60, 2000
_SHORTENING = 20


def main() -> int:
    """Fuzz the targets one after the other; return 1 if anything was found."""
    options = _options()
    from tests.support.fuzzing.samples import WORDS

    if options.repeat:
        return repeat(options.target, options.repeat)
    names = [options.target] if options.target else list(WORDS)
    FOLDER.mkdir(parents=True, exist_ok=True)
    engines = [options.engine] if options.engine else list(ENGINES)
    if "guided" in engines and importlib.util.find_spec("atheris") is None:
        print("atheris is not installed (pip install -e .[fuzz]); only generated inputs are tried.")
        engines = ["generated"]
    seconds = options.minutes * 60 / len(names) / len(engines)
    found = 0
    print(f"{'target':10} {'engine':10} {'runs':>10} {'CPU s':>8} {'found':>6}", flush=True)
    for name in names:
        for engine in engines:
            runs, spent, faults = _in_own_process(name, engine, seconds, options.seed)
            print(f"{name:10} {engine:10} {runs:10,} {spent:8.0f} {len(faults):6}", flush=True)
            for fault, path in faults.items():
                found += 1
                print(
                    f"  {fault}\n    python -m bench.fuzz --target {name} --repeat {path}",
                    flush=True,
                )
    return 1 if found else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10, help="CPU minutes for all targets")
    parser.add_argument("--target", default="", metavar="NAME")
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=Path, metavar="FILE")
    parser.add_argument("--alone", type=float, metavar="SECONDS", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone is not None:
        _alone(options.target, options.engine, options.alone, options.seed)
        sys.exit(0)
    return options


def repeat(target: str, path: Path) -> int:
    """Run one input again and let its error be seen."""
    from tests.support.fuzzing.targets import TARGETS

    began = process_time()
    TARGETS[target](path.read_bytes())
    print(f"nothing is wrong; {process_time() - began:.2f} CPU s")
    return 0


def _in_own_process(
    name: str, engine: str, seconds: float, seed: int
) -> tuple[int, float, dict[str, Path]]:
    """Fuzz a target in a process of its own, which a fault may end; return what came of it."""
    from tests.support.fuzzing.findings import Findings, fault_of, shortened
    from tests.support.fuzzing.targets import TARGETS

    report = FOLDER / f"{name}-{engine}.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "bench.fuzz", "--target", name, "--engine", engine]
    log = FOLDER / f"{name}-{engine}.log"
    before = _children()
    with log.open("wb") as file:
        ended = subprocess.run(
            [*command, "--seed", str(seed), "--alone", str(seconds)],
            stdout=file,
            stderr=file,
            check=False,
        )
    spent = _children() - before
    told = json.loads(report.read_text()) if report.exists() else {"runs": 0, "faults": []}
    findings = Findings(name, TARGETS[name], FOLDER)
    faults: dict[str, Path] = {}
    for path in map(Path, told["faults"]):
        data = path.read_bytes()
        fault = fault_of(TARGETS[name], data)
        if fault:  # under the watch of coverage things take longer
            findings.keep(fault, shortened(TARGETS[name], data, fault, _SHORTENING))
            faults[fault] = findings.path(fault)
    if ended.returncode:
        faults[f"the process ended with {ended.returncode}, see {log}"] = _last_artifact(name)
    return told["runs"], spent, faults


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _last_artifact(name: str) -> Path:
    """Return the input that ended a process, as far as libFuzzer kept it."""
    kept = sorted(FOLDER.glob(f"{name}-input-*"), key=lambda path: path.stat().st_mtime)
    return kept[-1] if kept else FOLDER / f"{name}-guided.log"


def _alone(name: str, engine: str, seconds: float, seed: int) -> None:
    if engine == "guided":
        _guided(name, seconds, seed)
    else:
        _generated(name, seconds, seed)


def _generated(name: str, seconds: float, seed: int) -> None:
    """Try inputs that Hypothesis makes, until so many CPU seconds are spent."""
    import hypothesis

    from tests.support.fuzzing.findings import Findings
    from tests.support.fuzzing.inputs import mutated
    from tests.support.fuzzing.targets import TARGETS

    findings = Findings(name, TARGETS[name], FOLDER)
    settings = hypothesis.settings(
        max_examples=500,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    until = process_time() + seconds
    while process_time() < until:
        seed += 1

        @hypothesis.seed(seed)
        @settings
        @hypothesis.given(mutated(name))
        def try_all(data: bytes) -> None:
            if process_time() < until:
                findings.try_input(data)

        try_all()
        _report(name, "generated", findings)


def _guided(name: str, seconds: float, seed: int) -> None:
    """Try inputs that atheris makes, until so many CPU seconds are spent."""
    import atheris

    with atheris.instrument_imports(include=_WATCHED):
        from tests.support.fuzzing.targets import TARGETS
    from tests.support.fuzzing.findings import Findings
    from tests.support.fuzzing.samples import WORDS, samples

    findings = Findings(name, TARGETS[name], FOLDER)
    corpus = FOLDER / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(samples(name)):
        (corpus / f"sample-{number}").write_bytes(sample)
    words = FOLDER / f"{name}.dict"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS[name]))
    began, told = process_time(), 0.0

    def try_input(data: bytes) -> None:
        nonlocal told
        findings.try_input(data)
        spent = process_time() - began
        if spent > told + 1:
            told = spent
            _report(name, "guided", findings)
        if spent > seconds:  # libFuzzer counts the clock's, and would end the process likewise
            os._exit(0)

    atheris.Setup(
        [
            "fuzz",
            str(corpus),
            f"-dict={words}",
            f"-timeout={_GIVEN_UP}",
            f"-rss_limit_mb={_MEMORY}",
            f"-artifact_prefix={FOLDER / name}-input-",
            f"-seed={seed}",
            "-max_len=65536",
        ],
        try_input,
    )
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _report(name: str, engine: str, findings: Findings) -> None:
    """Write down what is known so far, for the process that waits."""
    paths = [str(findings.path(fault)) for fault in findings.faults]
    told = {"runs": findings.runs, "faults": paths}
    part = FOLDER / f"{name}-{engine}.part"
    part.write_text(json.dumps(told))
    part.replace(FOLDER / f"{name}-{engine}.json")


if __name__ == "__main__":
    sys.exit(main())
