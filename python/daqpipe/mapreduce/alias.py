"""``import dranspose`` finds :mod:`daqpipe.mapreduce` (``--alias-dranspose``): existing classes run without a change."""

import importlib
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Optional

_OLD, _NEW = "dranspose", __package__


class _Alias(MetaPathFinder, Loader):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        if name != _OLD and not name.startswith(_OLD + "."):
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        # The same module under both names, so that its classes are the same too.
        module = importlib.import_module(_NEW + spec.name[len(_OLD):])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It has been executed under its own name, by which its relative imports must go on."""
        module.__spec__ = module.__spec__.loader_state


def install() -> None:
    """Works any number of times."""
    if not any(isinstance(finder, _Alias) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Alias())
