"""Our packages by the place where they lie, whatever files of the user's have their names."""

import importlib.util
import sys
from pathlib import Path

PACKAGES = ("trainable", "ensembles", "search", "spaces")


def import_own() -> None:
    """Load the packages beside this one, so that no `search.py` in the working folder stands for ours.

    A script finds its own folder before all others. Raises ImportError where such a file was imported already.
    """
    home = Path(__file__).parents[1]
    for name in PACKAGES:
        init = home / name / "__init__.py"
        there = getattr(sys.modules[name], "__file__", None) if name in sys.modules else ""
        if there == "":
            spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=[str(init.parent)])
            assert spec is not None and spec.loader is not None
            sys.modules[name] = module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        elif there is None or Path(there).resolve() != init.resolve():
            raise ImportError(
                f"foldvote has a package called {name}, and {there or name} was imported under that name; "
                "allowed: import foldvote before it, or another name for it"
            )
