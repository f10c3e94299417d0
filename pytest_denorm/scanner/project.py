"""All files of a scan, how they import one another, and what evaluation of them records."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from .abstract import Class, Env, External, Function, Instance, NotJudged, Unknown
from .calling import Evaluator
from .config_files import statistics_of
from .expressions import Budget
from .libraries import CONSTANTS
from .noting import as_numbers_any
from .records import Made, Place, Record, Shown
from .sources import Source

__all__ = ["Module", "Project"]

#: What a file has to hold to be evaluated at all; everything else cannot normalize anything.
_TOKENS = re.compile(
    r"normali[sz]e|mean|(?<!li)std|denorm|deprocess|imread|127\.5|/ ?2\b|/ ?255|\* ?2"
    r"|\b1[0-2]\d\.\d|\(10[2-4], ?11[5-7], ?12[23]\)|(?<![\d.])0?\.5\b|(?<![\d.])0?\.[1-9]\d\d",
    re.IGNORECASE,
)
#: Names that say nothing of whose mean or std it is.
_PLAIN = {"mean", "std", "means", "stds"}
_STEPS_OF_MODULE = 60_000
_STEPS_OF_FUNCTION = 15_000
#: As many objects of one class have their methods evaluated.
_DRESSED = 3


class Module:
    """One Python file or notebook."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.path = source.path
        parts = PurePosixPath(source.path).with_suffix("").parts
        self.parts = parts[:-1] if parts and parts[-1] == "__init__" else parts
        self.is_package = bool(parts) and parts[-1] == "__init__"
        self.lines = source.text.split("\n")
        self.env = Env(module=self)
        self.state = "new"
        self.stars: list[Any] = []

    def star(self, name: str) -> Any:
        """What ``from module import *`` gave under that name."""
        for other in self.stars:
            if isinstance(other, External):
                continue
            found = other.env.names.get(name)
            if found is not None:
                return found
        if name in CONSTANTS:
            return CONSTANTS[name]
        for other in self.stars:
            if isinstance(other, External) and name[:1].isupper() and "transforms" in other.path:
                return External(f"{other.path}.{name}")
        return None

    def star_from(self, node: ast.ImportFrom, project: Project) -> None:
        self.stars.append(project.module_of(self, node))


class Project:
    """Evaluates every module, and holds the records."""

    def __init__(self, sources: Iterable[Source]) -> None:
        sources = list(sources)
        self.modules = [Module(one) for one in sources if one.kind == "python" and one.tree is not None]
        self.records: list[Record] = []
        self.shown: list[Shown] = []
        self.made: list[Made] = []
        self.colors: dict[tuple[int, Place], str] = {}
        self.functions: dict[int, Function] = {}
        self.classes: dict[int, Class] = {}
        self.failures: dict[tuple[str, int], str] = {}
        self.dressed: dict[int, list[Instance]] = {}
        self.instances: list[tuple[Instance, Place, Env]] = []
        self.helpers: dict[int, list[tuple[dict[str, Any], bool, Place, Env]]] = {}
        self.seen: dict[tuple[Any, ...], int] = {}
        self.holders: dict[int, tuple[dict[Any, Any], Env]] = {}
        self._settings: dict[str, list[Any]] = {}
        self._by_last: dict[str, list[Module]] = {}
        self._relevant: dict[int, bool] = {}
        self._selves: dict[int, Instance] = {}
        for module in self.modules:
            if module.parts:
                self._by_last.setdefault(module.parts[-1], []).append(module)
        for source in sources:
            if source.kind == "config":
                for record in statistics_of(source):
                    self.record(record)
                    self.add_setting(record.name, list(record.mean))
                    self.add_setting(record.partner, list(record.std))

    # modules

    def ready(self, module: Module) -> Module:
        """A module, evaluated; one that is being evaluated as far as it is."""
        if module.state == "new":
            module.state = "running"
            evaluator = Evaluator(self, module, Budget(_STEPS_OF_MODULE))
            assert module.source.tree is not None
            for statement in module.source.tree.body:
                with self.guarded(module, statement, evaluator, 2_000):
                    evaluator.isolated([statement], module.env)
            evaluator.note_pairs(module.env.names, module.source.tree, module.env)
            module.state = "done"
        return module

    @contextmanager
    def guarded(self, module: Module, node: ast.AST, evaluator: Evaluator, steps: int) -> Iterator[None]:
        """Ends an evaluation that cannot go on, and no other; the next one has `steps` at least.

        What the evaluation itself gets wrong is kept in `failures`, to be told.
        """
        try:
            yield
        except (NotJudged, RecursionError):
            pass
        except Exception as error:
            self.failures[module.path, getattr(node, "lineno", 1)] = f"{type(error).__name__}: {error}"
        evaluator.budget.steps = max(evaluator.budget.steps, steps)

    def run(self, progress: Any = None) -> None:
        """Evaluates all modules, and each of their functions for itself."""
        for module in self.modules:
            if _TOKENS.search(module.source.text):
                self.ready(module)
            if progress is not None:
                progress()
        done: set[int] = set()
        while pending := [one for key, one in self.functions.items() if key not in done]:
            done |= self.functions.keys()  # a function that runs may define others
            for function in pending:
                if self.is_relevant(function.node, function.env.module):
                    self._run_alone(function)
        for names, env in self.holders.values():
            node = next(iter(env.lines.values()))
            Evaluator(self, env.module, Budget(100)).note_pairs(names, node, env)

    def _run_alone(self, function: Function) -> None:
        module = function.env.module
        evaluator = Evaluator(self, module, Budget(_STEPS_OF_FUNCTION))
        owners: list[Any] = [None]
        if function.owner is not None and function.kind != "staticmethod":
            dressed = [] if function.name == "__init__" else self.dressed.get(id(function.owner.node), [])
            owners = [function.owner] if function.kind == "classmethod" else [self.self_of(function.owner), *dressed]
        for owner in owners:
            with self.guarded(module, function.node, evaluator, _STEPS_OF_FUNCTION // 2):
                evaluator.call_function(function, [] if owner is None else [owner], {}, function.node, module.env)

    def self_of(self, cls: Class) -> Instance:
        """An object of a class made without arguments that are known."""
        if id(cls) not in self._selves:
            instance = self._selves[id(cls)] = Instance(cls)
            init = cls.find("__init__")
            if isinstance(init, Function):
                evaluator = Evaluator(self, cls.env.module, Budget(_STEPS_OF_FUNCTION))
                with self.guarded(cls.env.module, init.node, evaluator, 0):
                    evaluator.call_function(init, [instance], {}, cls.node, cls.env)
            env = Env(parent=cls.env, module=cls.env.module, scope=cls.env.scope, lines=instance.lines)
            Evaluator(self, cls.env.module, Budget(100)).note_pairs(instance.attributes, cls.node, env)
        return self._selves[id(cls)]

    def is_relevant(self, node: ast.AST, module: Module) -> bool:
        """Whether the source of a function holds a word of normalization."""
        found = self._relevant.get(id(node))
        if found is None:
            lines = module.lines[node.lineno - 1 : node.end_lineno]  # type: ignore[attr-defined]
            found = self._relevant[id(node)] = _TOKENS.search("\n".join(lines)) is not None
        return found

    def is_used(self, name: str) -> bool:
        """Whether a name stands in the scanned files more often than it is defined."""
        if not name.isidentifier():
            return True
        pattern = re.compile(rf"(?<!def )(?<!class )\b{name}\b")
        return any(name in one.source.text and pattern.search(one.source.text) for one in self.modules)

    def imported(self, module: Module, name: str) -> Any:
        """What ``import name`` gives."""
        found = self._find(module, name.split("."))
        return External(name) if found is None else self.ready(found)

    def module_of(self, module: Module, node: ast.ImportFrom) -> Any:
        """The module that ``from module import ...`` names."""
        dotted = (node.module or "").split(".") if node.module else []
        if node.level:
            base = module.parts if module.is_package else module.parts[:-1]
            base = base[: len(base) - (node.level - 1)]
            wanted = (*base, *dotted)
            found = (
                next((one for one in self._by_last.get(wanted[-1], ()) if one.parts == wanted), None)
                if wanted
                else None
            )
            return External(".".join(dotted) or "?") if found is None else self.ready(found)
        found = self._find(module, dotted)
        return External(node.module or "?") if found is None else self.ready(found)

    def imported_from(self, module: Module, node: ast.ImportFrom, name: str) -> Any:
        """What ``from module import name`` gives."""
        owner = self.module_of(module, node)
        if not isinstance(owner, External):
            found = self.member(owner, name)
            if found is not None:
                return found
        if node.level:
            base = module.parts if module.is_package else module.parts[:-1]
            wanted = (*base[: len(base) - (node.level - 1)], *(node.module or "").split("."), name)
            wanted = tuple(one for one in wanted if one)
            part = next((one for one in self._by_last.get(name, ()) if one.parts == wanted), None)
        else:
            part = self._find(module, [*(node.module or "").split("."), name])
        if part is not None:
            return self.ready(part)
        if not isinstance(owner, External):
            return Unknown(f"{node.module}.{name}")
        return self.external(f"{owner.path}.{name}")

    def external(self, path: str) -> Any:
        """A name of another package; the number or list where it stands for statistics that are known."""
        return CONSTANTS.get(path.rpartition(".")[2], None) or External(path)

    def member(self, module: Module, name: str) -> Any:
        """A name of a module, also one that it has by a star."""
        found = module.env.names.get(name)
        if found is None:
            found = module.star(name)
        return found

    def _find(self, module: Module, dotted: list[str]) -> Module | None:
        """The module of that dotted name nearest to the one that imports it."""
        if not dotted or not dotted[-1]:
            return None
        wanted = tuple(dotted)
        named = [
            one
            for one in self._by_last.get(wanted[-1], ())
            if one.parts[-len(wanted) :] == wanted and one is not module
        ]
        if len(wanted) == 1:  # a top name is found beside the importer or above it, not in another package's depth
            named = [one for one in named if module.parts[: len(one.parts) - 1] == one.parts[:-1]]

        def common(other: Module) -> int:
            pairs = zip(other.parts, module.parts, strict=False)
            return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(other.parts), len(module.parts)))

        return max(named, key=lambda one: (common(one), -len(one.parts)), default=None)

    # settings

    def add_setting(self, name: str, value: Any) -> None:
        """Keep a mean or std that some object has under a name."""
        kept = self._settings.setdefault(name, [])
        numbers = as_numbers_any(value)
        if numbers is not None and not any(np.array_equal(numbers, as_numbers_any(one)) for one in kept):
            kept.append(value)

    def setting(self, name: str) -> Any:
        """Return the mean or std that all objects with that name have; None where they differ, or there is none."""
        kept = self._settings.get(name, ())
        return kept[0] if len(kept) == 1 and name.lower() not in _PLAIN else None

    # records

    def add_function(self, function: Function) -> None:
        self.functions.setdefault(id(function.node), function)

    def add_class(self, cls: Class) -> None:
        self.classes.setdefault(id(cls.node), cls)

    def add_instance(self, instance: Instance, place: Place, env: Env) -> None:
        self.instances.append((instance, place, env))

    def record(self, record: Record) -> int:
        """The index of a record; of one that is known already, that of the first."""
        key = (record.place.path, record.place.line, record.place.column, record.mean, record.std, record.inverse)
        known = self.seen.get(key)
        if known is not None:
            return known
        self.records.append(record)
        self.seen[key] = len(self.records) - 1
        return len(self.records) - 1

    def drop(self, event: int) -> None:
        self.records[event].dead = True

    def name(self, event: int, name: str) -> None:
        if name not in self.records[event].names:
            self.records[event].names.append(name)

    def join(self, first: int | None, second: int, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Two records that are one inverse together."""
        if first is not None:
            self.records[first].dead = True
        record = self.records[second]
        record.inverse, record.mean, record.std, record.white, record.form = True, mean, std, 1.0, "transform"

    def note_color(self, event: int, place: Place, color: str) -> None:
        """An image whose channels are in the order `color` is normalized by a record."""
        self.colors[event, place] = color

    def dress(self, instance: Instance) -> None:
        """Keeps an object that was given a transform, to follow an image through its methods."""
        kept = self.dressed.setdefault(id(instance.cls.node), [])
        if len(kept) < _DRESSED:
            kept.append(instance)
