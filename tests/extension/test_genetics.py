"""A format and an LD source of another package, found by the commands: a file each."""

import json
from pathlib import Path


def test_a_format_and_a_source_of_another_package_make_a_study(run_python, tmp_path: Path):
    variants, gwas = tmp_path / "variants.tsv", tmp_path / "gwas.tsv"
    panel, study = tmp_path / "toy.ld.zarr", tmp_path / "toy.study.zarr"
    variants.write_text(
        "SNP\tCHR\tBP\tA1\tA2\tA1FREQ\n"
        + "".join(f"rs{i}\t1\t{1000 * i}\tA\tC\t0.{i}\n" for i in range(1, 9))
    )
    gwas.write_text(
        "name\tcounted\tother\ttoy_z\tpeople\n"
        + "".join(f"rs{i}\tC\tA\t{i / 4}\t1000\n" for i in range(1, 9))
    )
    command = ("-m", "deepwas_app.cli")
    run_python(*command, "ld", "--uncorrelated", variants, "--people", 500, "-o", panel)
    words = ("--sumstats", gwas, "--ld", panel, "-o", study, "--json")
    told = json.loads(run_python(*command, "study", *words).splitlines()[-1])
    assert told["format"] == "Toy"
    assert [row["variants"] for row in told["alignment"] if row["kind"] == "out"] == [8]


def test_help_lists_them(run_python):
    command = ("-m", "deepwas_app.cli")
    assert "Table of variants that are not in LD." in run_python(*command, "ld", "--help")
    assert "Toy" in run_python(*command, "study", "--help")
