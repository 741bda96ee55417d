"""What people do with runs that lie there: rename them, remove them, note what they are."""

import json
from pathlib import Path
from typing import Any

from deepwas_app.errors import InputError
from deepwas_app.genetics.locks import only_writer
from deepwas_app.genetics.writing import remove_folder, replacing_file, written
from deepwas_app.workflow.runs.run import Run, open_run, write_record
from deepwas_app.workflow.runs.run_files import RECORD, read_file

NOTES = "notes.txt"
LONGEST_NAME, LONGEST_NOTES = 100, 10_000


def rename_run(run: Run, name: str) -> Run:
    """Give a run another name in the same folder.

    Raises
    ------
    InputError
        If the name cannot be that of a folder, is another run's, or the run is being trained.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or name.startswith(".") or not name.isprintable():
        raise InputError(f"{name or 'No name'}: give a name of 1 to {LONGEST_NAME} letters.")
    if any(mark in name for mark in "/\\:"):
        raise InputError(f"{name}: a name of a run has no slash, backslash or colon.")
    target = run.path.with_name(f"{name}.run")
    if target.exists():
        raise InputError(f"{name}: there is a run of this name already. Choose another.")
    with only_writer(run.path), only_writer(target), written(target):
        run.path.rename(target)
    content = json.loads(read_file(target, RECORD))
    if content["summary"]:
        write_record(target, content | {"summary": content["summary"] | {"run": name}})
    return open_run(target)


def remove_run(run: Run) -> None:
    """Remove a run's folder.

    Raises
    ------
    InputError
        If it is being trained, or the folder cannot be written.
    """
    remove_folder(run.path)


def read_notes(run: Any) -> str:
    """What people noted of a run; empty where nothing."""
    try:
        return (Path(run.path) / NOTES).read_text(errors="replace")[:LONGEST_NOTES]
    except OSError:
        return ""


def write_notes(run: Run, words: str) -> None:
    """Keep notes beside the files of a run; nothing is kept of empty ones.

    Raises
    ------
    InputError
        If they are too long, or the folder cannot be written.
    """
    if len(words) > LONGEST_NOTES:
        raise InputError(f"Notes of {run.name}: at most {LONGEST_NOTES:,} letters.")
    path = run.path / NOTES
    if not words.strip():
        with written(path):
            path.unlink(missing_ok=True)
        return
    with replacing_file(path) as partial:
        partial.write_text(words)
