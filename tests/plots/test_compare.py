"""Where one run predicts better than another, drawn."""

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from deepwas_app.plots.compare import along_genome, by_chromosome, place


def comparison(blocks: list[tuple]) -> pd.DataFrame:
    """A table as of ``workflow.compare``, from (chromosome, start, stop, difference, lead)."""
    part = pd.DataFrame(blocks, columns=["CHR", "START", "STOP", "DIFFERENCE_NATS", "LEAD_SNP"])
    part = part.sort_values("DIFFERENCE_NATS", key=abs, ascending=False).assign(
        SCOPE="block", BLOCKS=1, MILLINATS_PER_VARIANT_SE=np.nan
    )
    chromosomes = [("chromosome", name, group) for name, group in part.groupby("CHR")]
    wholes = [
        {
            "SCOPE": scope,
            "CHR": name,
            "START": group["START"].min(),
            "STOP": group["STOP"].max(),
            "DIFFERENCE_NATS": group["DIFFERENCE_NATS"].sum(),
            "BLOCKS": len(group),
            "MILLINATS_PER_VARIANT_SE": 0.5 if len(group) > 1 else np.nan,
        }
        for scope, name, group in [("all", "all", part), *chromosomes]
    ]
    table = pd.concat([pd.DataFrame(wholes), part], ignore_index=True)
    return table.assign(MILLINATS_PER_VARIANT=table["DIFFERENCE_NATS"] / 10, VARIANTS=100)


@pytest.fixture
def table() -> pd.DataFrame:
    return comparison(
        [
            ("1", 1_000_000, 2_000_000, 4.0, "rs1"),
            ("1", 2_000_000, 3_500_000, -1.0, "rs2"),
            ("2", 0, 900_000, 9.0, "rs3"),
        ]
    )


def layer(overlay: hv.Overlay, kind: type) -> hv.Element:
    (found,) = [element for element in overlay if isinstance(element, kind)]
    return found


def test_chromosomes_have_errors_where_there_are_several_blocks(table):
    picture = by_chromosome(table)
    points = layer(picture, hv.Points).data
    assert len(points) == 2
    segments = layer(picture, hv.Segments).data
    assert len(segments) == 1
    assert (segments["high"] - segments["low"]).item() == pytest.approx(1.0)
    assert hv.render(picture) is not None


def test_blocks_stand_where_they_are_and_chromosomes_follow_each_other(table):
    picture = along_genome(table)
    bars = layer(picture, hv.Rectangles).data.set_index("lead")
    assert bars.loc["rs1", "stop"] - bars.loc["rs1", "start"] == pytest.approx(1.0)
    assert bars.loc["rs2", "low"] == -1.0
    assert bars.loc["rs2", "high"] == 0.0
    assert bars.loc["rs1", "stop"] == bars.loc["rs2", "start"]
    assert bars.loc["rs3", "start"] > bars.loc["rs2", "stop"]
    assert set(layer(picture, hv.Labels).data["text"]) == {"rs1", "rs2", "rs3"}
    assert hv.render(picture) is not None


def test_one_chromosome_keeps_its_positions():
    table = comparison([("22", 30_000_000, 31_000_000, 1.0, "rs1")])
    bars = layer(along_genome(table), hv.Rectangles).data
    assert bars["start"].item() == 30.0
    assert place("22", 30_000_000, 31_000_000) == "22:30.00–31.00 Mb"


def test_names_do_not_cover_each_other():
    blocks = [("1", 10**6 * i, 10**6 * (i + 1), 5.0 + 0.01 * i, f"rs{i}") for i in range(40)]
    names = layer(along_genome(comparison(blocks)), hv.Labels).data
    assert names["text"].tolist() == ["rs39"]
