"""CEL behind one fail-closed door: `compile_condition(source, variables, where)` and `Condition.evaluate(values)`.

Every condition of a document (a playbook's trigger, a policy's requirement) goes through here and nowhere else.
A condition passes only if its static type is bool and its value is exactly True; whatever else happens is `passed=False`
with a reason. No clock, no input besides `values`, no side effects: the same values give the same answer.
"""

from reconciler.expressions.conditions import Condition, Evaluation, compile_condition
from reconciler.expressions.types import CelType, Tree, tree

__all__ = ["CelType", "Condition", "Evaluation", "Tree", "compile_condition", "tree"]
