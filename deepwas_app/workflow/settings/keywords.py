"""Functions that take the knobs of a settings class as keywords, and say so."""

import inspect
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import param

from deepwas_app.provenance import making
from deepwas_app.workflow.settings.base import Settings, check_names, fields, help_text

Result = TypeVar("Result")
Function = Callable[..., Result]

_SECTION = re.compile(r"\n\n[A-Z][A-Za-z ]+\n-{3,}\n")


def knobs(kind: type[Settings]) -> Callable[[Function[Result]], Function[Result]]:
    """Let a function take the knobs of some settings as keywords, in place of ``settings``.

    Its signature and the section *Parameters* of its docstring show them, so that ``help()`` and
    completion do.

    Parameters
    ----------
    kind
        The settings class. The function has a parameter ``settings`` for an instance of it, which
        is made from the keywords where none is given.

    Examples
    --------
    >>> @knobs(FineMapKnobs)
    ... def fine_map(study, run, settings): ...
    >>> fine_map(study, run, effects=5)  # doctest: +SKIP
    """

    def decorate(function: Function[Result]) -> Function[Result]:
        signature = inspect.signature(function)
        names = [name for name in fields(kind) if name not in signature.parameters]
        both = [name for name in fields(kind) if name in signature.parameters]

        @wraps(function)
        def call(*args: Any, **keywords: Any) -> Result:
            mine = {name: keywords.pop(name) for name in names if name in keywords}
            check_names(f"{function.__name__}()", [*signature.parameters, *names], keywords)
            bound = signature.bind_partial(*args, **keywords)
            for name in both:
                # What is no value of the knob, such as a prior of one's own, is for the function.
                if _is_value(kind.param[name], bound.arguments.get(name)):
                    mine[name] = bound.arguments[name]
            if bound.arguments.get("settings") is None:
                bound.arguments["settings"] = kind(**mine)
            elif mine:
                raise TypeError(
                    f"{function.__name__}(): settings are given, and {', '.join(mine)} beside "
                    "them: give one of both"
                )
            with making([function.__name__]):
                return function(*bound.args, **bound.kwargs)

        shown = {name: kind.param[name] for name in names}
        call.settings = kind  # type: ignore[attr-defined]
        call.__signature__ = _signature(signature, shown)  # type: ignore[attr-defined]
        call.__doc__ = _documented(inspect.getdoc(function) or "", shown)
        return call

    return decorate


def _is_value(knob: param.Parameter[Any], value: Any) -> bool:
    if isinstance(knob, param.List) and isinstance(value, list):
        return knob.item_type is None or all(isinstance(item, knob.item_type) for item in value)
    return isinstance(value, type(knob.default))


def _signature(
    signature: inspect.Signature, knobs: dict[str, param.Parameter[Any]]
) -> inspect.Signature:
    """The signature with the knobs as keywords; what stands behind ``settings`` is one too."""
    parameters, optional = [], False
    for parameter in signature.parameters.values():
        if parameter.name == "settings":
            parameter, optional = parameter.replace(default=None), True
        elif optional and parameter.default is parameter.empty:
            parameter = parameter.replace(kind=parameter.KEYWORD_ONLY)
        parameters.append(parameter)
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=knob.default)
        for name, knob in knobs.items()
    ]
    parameters.sort(key=lambda parameter: parameter.kind)
    return signature.replace(parameters=parameters)


def _documented(doc: str, knobs: dict[str, Any]) -> str:
    """The docstring with the knobs at the end of its section *Parameters*."""
    lines = "\n".join(f"{name}\n    {help_text(knob)}" for name, knob in knobs.items())
    head, found, tail = doc.partition("Parameters\n----------\n")
    if not found:
        return f"{doc}\n\nParameters\n----------\n{lines}"
    end = _SECTION.search(tail)
    at = end.start() if end else len(tail)
    return f"{head}{found}{tail[:at].rstrip()}\n{lines}{tail[at:]}"
