"""Audit the dependencies: what is known of their vulnerabilities, and their versions and licences.

    python3 run.py audit

Every package that Sacho, its tests or its documentation need is listed with version and licence, as
its own metadata state them. If pip-audit is installed (``pip install -e .[audit]``) and reaches the
database that it asks, the installed packages are checked for known vulnerabilities as well.

Exit status 0: checked, and nothing is known. 1: a vulnerability is known, or a package is missing
or states no licence. 3: only listed, or not all of them checked: pip-audit is not installed, could
not ask its database, or did not find a package there.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement

NAME = "sacho"
EXTRAS = ("dev", "docs")
_NONE_KNOWN, _FOUND, _ONLY_LISTED = 0, 1, 3
_PATIENCE = 300


@dataclass(frozen=True)
class Package:
    """An installed package; ``version`` is ``""`` if it is missing, ``licence`` if none is stated."""

    name: str
    needed_for: str
    version: str = ""
    licence: str = ""


def main() -> int:
    """Print the list and what is known; return the exit status."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    found = packages()
    print(f"{'package':28} {'version':14} {'for':8} licence")
    for one in found:
        version, licence = one.version or "MISSING", one.licence or "NOT STATED"
        print(f"{one.name:28} {version:14} {one.needed_for:8} {licence}")
    incomplete = [one.name for one in found if not one.version or not one.licence]
    print(f"{len(found)} packages; missing or without a licence: {', '.join(incomplete) or 'none'}")
    status, sentences = vulnerabilities()
    print("\n".join(sentences))
    return _FOUND if incomplete else status


def packages() -> list[Package]:
    """Return all packages that ours needs, by name, each once: for running before for developing."""
    found: dict[str, Package] = {}
    for extra in ("", *EXTRAS):
        _add_needed(Requirement(f"{NAME}[{extra}]" if extra else NAME), extra or "running", found)
    found.pop(NAME)
    return [found[name] for name in sorted(found)]


def _add_needed(wanted: Requirement, purpose: str, found: dict[str, Package]) -> None:
    name = wanted.name.lower().replace("_", "-")
    if name in found and not wanted.extras:
        return
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        found[name] = Package(name, purpose)
        return
    found.setdefault(name, Package(name, purpose, installed.version, licence_of(name)))
    for line in installed.requires or ():
        needed = Requirement(line)
        extras = wanted.extras or {""}
        if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
            _add_needed(needed, purpose, found)


def licence_of(name: str) -> str:
    """Return the licence that a package's metadata state, ``""`` for none."""
    metadata = distribution(name).metadata
    stated = metadata.get("License-Expression") or ""
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier", [])
        if line.startswith("License :: ") and line.count(" :: ") > 1
    ]
    text = (metadata.get("License") or "").strip().partition("\n")[0][:60]
    return stated or ", ".join(classifiers) or text or _from_file(name)


def _from_file(name: str) -> str:
    """Return the first line of the licence file that lies beside the metadata, ``""`` without one."""
    for path in distribution(name).files or ():
        if path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
            return next(
                (line.strip()[:60] for line in path.read_text().splitlines() if line.strip()), ""
            )
    return ""


def vulnerabilities() -> tuple[int, list[str]]:
    """Return the status and the sentences of a check by pip-audit."""
    if importlib.util.find_spec("pip_audit") is None:
        return _ONLY_LISTED, [
            "Not checked for vulnerabilities: pip-audit is not installed (pip install -e .[audit])."
        ]
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            [*command, "--skip-editable"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        known = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):  # it prints JSON if it could ask
        return _ONLY_LISTED, [
            "Not checked for vulnerabilities: pip-audit could not ask its database."
        ]
    holes = [
        f"{one['name']} {one.get('version', '')}: {hole['id']}, fixed in "
        f"{', '.join(hole.get('fix_versions', ())) or 'no version yet'}"
        for one in known
        for hole in one.get("vulns", ())
    ]
    asked = sum("vulns" in one for one in known)
    sentences = [*holes, f"{asked} packages checked; vulnerabilities known: {len(holes)}."]
    # An editable installation has a skip_reason as well: it is ours, which no database has.
    skipped = [one["name"] for one in known if "skip_reason" in one and one["name"] != NAME]
    if skipped:
        sentences.append(f"Not found in the database, so not checked: {', '.join(skipped)}.")
    if holes:
        return _FOUND, sentences
    return _NONE_KNOWN if asked and not skipped else _ONLY_LISTED, sentences


if __name__ == "__main__":
    sys.exit(main())
