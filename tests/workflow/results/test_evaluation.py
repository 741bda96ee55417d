"""Which of several runs is the best."""

from types import SimpleNamespace

from deepwas_app.workflow.results.evaluation import best_run


def run(name: str, gain: float | None, **facts) -> SimpleNamespace:
    constant = facts.get("constant", False)
    return SimpleNamespace(
        name=name,
        finished=facts.get("finished", True),
        prior_type=SimpleNamespace(constant=constant),
        summary={"validation_gain": gain, "gain": facts.get("test", 0.0)}
        if facts.get("finished", True)
        else None,
    )


def best(*runs) -> str | None:
    found = best_run(runs)
    return None if found is None else found.name


def test_the_best_run_gains_most_where_it_was_validated():
    assert best(run("a", 2.0), run("b", 3.0), run("c", 1.0)) == "b"
    assert best(run("a", 2.0, test=9.0), run("b", 3.0, test=-9.0)) == "b"
    assert best(run("old", 2.0), run("new", 2.0)) == "new"


def test_a_constant_prior_is_the_best_only_where_there_is_no_other():
    constant = run("constant", 0.0, constant=True)
    assert best(constant, run("linear", -1.0)) == "linear"
    assert best(constant, run("linear", None)) == "linear"
    assert best(constant) == "constant"


def test_runs_without_a_gain_or_an_end_come_last():
    assert best(run("a", -1.0), run("b", None), run("c", float("nan"))) == "a"
    assert best(run("a", None, test=5.0), run("b", None)) == "a"
    assert best(run("a", None, test=5.0), run("b", -1.0)) == "b"
    assert best(run("a", 1.0), run("b", None, finished=False)) == "a"
    assert best(run("a", None, finished=False)) is None
    assert best() is None
