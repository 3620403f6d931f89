"""
What trigger scripts import from psdaq, on our runtime. Modules that are not here are looked for in an installed psdaq behind this one.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
