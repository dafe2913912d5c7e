"""Database models. Importing the package registers all tables with `Base.metadata`."""

import pkgutil
from importlib import import_module

for module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{module.name}")
