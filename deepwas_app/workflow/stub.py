"""The public functions that take knobs, for type checkers: ``python -m deepwas_app.workflow.stub``.

Knobs are declared as parameters of ``param``, which no type checker reads. This writes them into
``deepwas_app/__init__.pyi`` as typed keywords with their defaults.
"""

import ast
import builtins
import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import param

import deepwas_app
from deepwas_app.workflow.settings.base import fields

STUB = Path(deepwas_app.__file__).with_suffix(".pyi")
BEGIN = """\
# From here on made by `python -m deepwas_app.workflow.stub`, from the declarations of the knobs.
# fmt: off
# ruff: noqa: E501, I001
"""
# The first that fits: to param all of them are numbers.
TYPES = {param.Boolean: "bool", param.Integer: "int", param.Number: "float"}


def stub() -> str:
    """The whole stub: its upper part as it is, and the functions that it hides there, typed."""
    head = STUB.read_text().partition(BEGIN)[0]
    modules: dict[str, str] = {}
    made = [_declared(function, modules) for function in hidden(head)]
    imports = [f"import {module} as {alias}" for alias, module in sorted(modules.items())]
    return head + BEGIN + "\n".join(["", *imports, "", *made])


def hidden(head: str) -> list[Callable[..., Any]]:
    """The functions that a stub imports where no type checker looks."""
    (block,) = [node for node in ast.parse(head).body if isinstance(node, ast.If)]
    named = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return [
        getattr(import_module(f"deepwas_app.{node.module}"), alias.name)
        for node in named
        for alias in node.names
    ]


class _Written(ast.NodeTransformer):
    """Annotations of a module as they are written elsewhere: with the modules of their names."""

    def __init__(self, name: str, modules: dict[str, str]) -> None:
        self._name, self._modules = name, modules
        self._imported: dict[str, str] = {}
        for node in ast.walk(ast.parse(inspect.getsource(import_module(name)))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                inside = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
                for alias in node.names:
                    self._imported[alias.asname or alias.name] = inside + alias.name

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if hasattr(builtins, node.id):
            return node
        full = self._imported.get(node.id, f"{self._name}.{node.id}")
        module, _, name = full.rpartition(".")
        alias = f"_{(module or name).rpartition('.')[2]}"
        if self._modules.setdefault(alias, module or name) != (module or name):
            raise ValueError(f"{alias}: two modules, {self._modules[alias]} and {module or name}")
        return ast.Name(f"{alias}.{name}" if module else alias)

    def text(self, annotation: ast.expr) -> str:
        return ast.unparse(self.visit(annotation))


def _declared(function: Callable[..., Any], modules: dict[str, str]) -> str:
    """A function as a declaration; a job as an object that has ``steps`` too."""
    source = ast.parse(inspect.getsource(inspect.unwrap(function))).body[0]
    assert isinstance(source, ast.FunctionDef)
    assert source.returns is not None
    written = _Written(function.__module__, modules)
    own = [*source.args.posonlyargs, *source.args.args, *source.args.kwonlyargs]
    types = {one.arg: written.text(one.annotation) for one in own if one.annotation}
    types |= {
        name: _type(knob)
        for name, knob in fields(function.settings).items()  # type: ignore[attr-defined]
        if name not in types
    }
    types["settings"] += " | None"
    returns = written.text(source.returns)
    if not hasattr(function, "steps"):
        return _def(function, source.name, "", types, returns)
    of_generator: Any = ast.parse(returns, mode="eval").body
    step, _, result = map(ast.unparse, of_generator.slice.elts)
    modules["_abc"] = "collections.abc"
    types["progress"] = f"_abc.Callable[[{step}], object] | None"
    kind = "_" + source.name.title().replace("_", "")
    return (
        f"class {kind}:\n"
        f"    steps: _abc.Callable[..., {returns}]\n"
        f"{_def(function, '__call__', '    ', types, result)}\n"
        f"{source.name}: {kind}\n"
    )


def _def(
    function: Callable[..., Any], name: str, indent: str, types: dict[str, str], returns: str
) -> str:
    lines, by_keyword = ["self"] if indent else [], False
    for one in inspect.signature(function).parameters.values():
        if one.kind is one.KEYWORD_ONLY and not by_keyword:
            lines.append("*")
            by_keyword = True
        default = "" if one.default is one.empty else f" = {one.default!r}"
        lines.append(f"{one.name}: {types[one.name]}{default}")
    said = (inspect.getdoc(function) or "").partition("\n")[0]
    between = "".join(f"{indent}    {line},\n" for line in lines)
    return (
        f"{indent}def {name}(\n{between}{indent}) -> {returns}:\n"
        f'{indent}    """{said}"""\n{indent}    ...\n'
    )


def _type(knob: param.Parameter[Any]) -> str:
    """What a knob takes. Choices are text: other packages add theirs."""
    if isinstance(knob, param.List):
        found = "list[str]"
    else:
        found = next((name for kind, name in TYPES.items() if isinstance(knob, kind)), "str")
    return f"{found} | None" if knob.allow_None else found


if __name__ == "__main__":
    STUB.write_text(stub())
