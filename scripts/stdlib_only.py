"""A contract for import-linter: the modules named import nothing but the standard library.

Their own root package counts as known; which of its modules they may use is another contract's.
"""

import sys

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.imports import Module


class StdlibOnly(Contract):
    """Broken by any import from outside the standard library and the root package."""

    modules = fields.SetField(subfield=fields.ModuleField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        foreign = {
            module.name: sorted(_foreign_imports(graph, module))
            for module in sorted(self.modules, key=str)  # type: ignore[call-overload]
        }
        broken = {module: names for module, names in foreign.items() if names}
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for module, names in check.metadata["broken"].items():
            output.print_error(f"- {module} imports {', '.join(names)}")


def _foreign_imports(graph: ImportGraph, module: Module) -> set[str]:
    imported = graph.find_modules_directly_imported_by(module.name)
    roots = {name.partition(".")[0] for name in imported}
    return roots - set(sys.stdlib_module_names) - {module.name.partition(".")[0]}
