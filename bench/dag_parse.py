"""(c) How long Airflow takes to parse each DAG file, beyond `import airflow.sdk`."""

import subprocess
import sys
from pathlib import Path

from bench.figures import Figure, Result

TARGET = 0.3
REPEATS = 5
PROGRAM = """
import importlib.util, sys, time
import airflow.sdk
started = time.perf_counter()
spec = importlib.util.spec_from_file_location("measured_dag", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(time.perf_counter() - started)
"""


def seconds_to_parse(path: Path) -> float:
    """The median of several fresh processes."""
    runs = [
        float(
            subprocess.run(
                [sys.executable, "-W", "ignore", "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True
            ).stdout.split()[-1]
        )
        for _ in range(REPEATS)
    ]
    return sorted(runs)[REPEATS // 2]


def measure() -> Result:
    figures = [
        Figure(path.stem, seconds, "s", f"< {TARGET}", seconds < TARGET)
        for path in sorted(Path("dags").glob("*.py"))
        if (seconds := seconds_to_parse(path)) is not None
    ]
    return Result("dag_parse", figures, {"repeats": REPEATS, "statistic": "median"})
