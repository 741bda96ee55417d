"""What a notebook cell shows of an object: a small table, all text escaped, no script."""

import html
import sys
from collections.abc import Mapping
from typing import Any

# Letters of a value that are shown.
_LONGEST = 300


def card(title: str, facts: Mapping[str, Any]) -> str:
    """HTML of a heading and a row a fact; facts without a value are left out."""
    rows = "".join(
        f'<tr><th style="text-align: left">{_text(name)}</th>'
        f'<td style="text-align: left">{_text(value)}</td></tr>'
        for name, value in facts.items()
        if value not in (None, "")
    )
    return f"<div><strong>{_text(title)}</strong><table>{rows}</table></div>"


def error_of(value: float | None, error: float | None, unit: str = "", digits: int = 3) -> str:
    """A number with its standard error, where it is known; empty without a number."""
    if value is None:
        return ""
    known = "" if error is None else f" ± {error:.2g}"
    return f"{value:.{digits}g}{known} {unit}".strip()


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value:,}"
    text = str(value)
    return html.escape(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def show_datasets() -> None:
    """Let cells show studies and LD panels as cards; other Datasets stay as they are."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and shell.display_formatter is not None:
        formatter = shell.display_formatter.formatters["text/html"]
        formatter.for_type_by_name("xarray.core.dataset", "Dataset", dataset_card)


def dataset_card(dataset: Any) -> str:
    """What a cell shows of a Dataset."""
    attrs, sizes = dataset.attrs, dataset.sizes
    title, kind = str(attrs.get("title", "")), attrs.get("kind")
    if kind not in ("study", "panel") or not {"variants", "blocks"} <= set(sizes):
        return str(dataset._repr_html_())
    facts: dict[str, Any] = {"Variants": int(sizes["variants"])}
    if kind == "study":
        people = dataset.get("variant_sample_size")
        scored = dataset.get("variant_scored")
        names = dataset["annotation"].values.astype(str).tolist() if "annotation" in dataset else []
        facts |= {
            "With z-scores": None if scored is None else int(scored.values.sum()),
            "People": None if people is None else f"{float(people.median()):,.0f} (median)",
            "Annotations": f"{len(names)}: {', '.join(names)}" if names else "none",
        }
    facts |= {
        "LD blocks": int(sizes["blocks"]),
        "People of the LD": attrs.get("ld_people") or attrs.get("sample_size"),
        "Genome build": attrs.get("genome_build"),
        "Path": attrs.get("path"),
        "More": f"dw.info({attrs.get('path')!r}), and the variables of this xarray.Dataset: "
        + ", ".join(map(str, dataset.data_vars)),
    }
    return card(f"{'Study' if kind == 'study' else 'LD panel'}: {title}", facts)
