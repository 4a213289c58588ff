"""Everything that was promised of people, measured by one command.

    python benchmarks/people_bars.py ../shared/data/lfw --photo PHOTO

Random histories of corrections (1,000 steps), what a growing library does to the people who are there, and how
long the commands take with 100,000 faces. The folder holds a folder per person.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run(*command: str) -> None:
    print(f"$ python {' '.join(command)}", flush=True)
    subprocess.run([sys.executable, *command], check=True, cwd=HERE.parent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photo", type=Path, required=True, help="a photo for `find`")
    parser.add_argument("--faces", type=int, default=100_000)
    options = parser.parse_args()
    folder, photo = str(options.folder.resolve()), str(options.photo.resolve())
    run("-m", "pytest", "-q", "tests/pipeline/test_pipeline_people.py", "-k", "histories")
    run("benchmarks/growth.py", folder)
    run("benchmarks/people_speed.py", str(options.faces), "--photo", photo)


if __name__ == "__main__":
    main()
