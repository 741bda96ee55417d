"""What a sweep says in words."""

import pandas as pd

from deepwas_app.workflow.results.scaling import size_verdicts


def steps(*rows: tuple) -> pd.DataFrame:
    columns = ["objective", "size", "over", "difference_per_variant", "difference_per_variant_se"]
    return pd.DataFrame(rows, columns=columns)


def test_a_verdict_has_its_error_and_is_one_only_where_the_interval_leaves_out_zero():
    said = size_verdicts(
        steps(
            ("Full likelihood", "XS", "linear", 0.5, 0.1),
            ("Full likelihood", "S", "XS", 0.19, 0.1),
            ("LD score regression", "XS", "linear", -0.5, 0.1),
        ),
        60,
    )
    assert said == [
        "Full likelihood: clearly better: XS over linear by +0.50 ± 0.10. no clear difference at "
        "1 of 2 steps up.",
        "LD score regression: clearly worse: XS over linear by -0.50 ± 0.10.",
    ]


def test_few_blocks_make_a_wide_interval():
    row = steps(("Full likelihood", "XS", "linear", 0.21, 0.1))
    assert "clearly better" in size_verdicts(row, 1000)[0]
    assert "no clear difference at 1 of 1 step up" in size_verdicts(row, 5)[0]
    assert size_verdicts(steps(), 5) == []
