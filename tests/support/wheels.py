"""Small wheels for tests of the installation, written without a build backend."""

import hashlib
from pathlib import Path
from zipfile import ZipFile


def write_wheel(folder: Path, name: str, version: str, *metadata: str) -> str:
    """Write a wheel without modules, and return its line for a lock file with hashes.

    Args:
        metadata: More lines of METADATA, such as `Requires-Dist: flask>=3`.
    """
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    path = folder / f"{info.removesuffix('.dist-info')}-py3-none-any.whl"
    files = {
        "METADATA": ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata],
        "WHEEL": ["Wheel-Version: 1.0", "Root-Is-Purelib: true", "Tag: py3-none-any"],
    }
    with ZipFile(path, "w") as wheel:
        for file, lines in files.items():
            wheel.writestr(f"{info}/{file}", "\n".join([*lines, ""]))
        wheel.writestr(f"{info}/RECORD", "".join(f"{info}/{file},,\n" for file in files))
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
