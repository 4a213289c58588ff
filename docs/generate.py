"""Write the pages that are made from the code, ``cli.md`` and ``schema.md``; ``make docs`` runs this.

    python docs/generate.py [FOLDER]

The format of ``cli.md`` is typer's own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from facecluster.store import describe

SCHEMA = """# The database

One SQLite file. This page is made from the migrations in `facecluster/store/schema.py` by `make docs`.

- Arrays are BLOBs of little-endian float32; `numpy.frombuffer(blob, "<f4")` reads them. Landmarks are (5, 2), an
  embedding has its model's dimension and unit length.
- Pixels are those of the upright photo at full size.
- A path is TEXT, or a BLOB of its bytes where these are not valid UTF-8. Times are ISO 8601.

```sql
{sql}```
"""


def write_cli(page: Path) -> None:
    """The reference of the command line, from the commands' own help."""
    typer = [sys.executable, "-m", "typer", "facecluster.cli", "utils", "docs"]
    subprocess.run([*typer, "--name", "facecluster", "--output", str(page)], check=True, stdout=subprocess.DEVNULL)


def write_schema(page: Path) -> None:
    """The tables of an empty database."""
    page.write_text(SCHEMA.format(sql=describe()), "utf-8")


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    write_cli(folder / "cli.md")
    write_schema(folder / "schema.md")
