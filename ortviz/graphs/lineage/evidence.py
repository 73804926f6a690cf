"""From what lineage is concluded; each is a sentence for a person.

On the wire a sentence is a code of one byte, so none of them names a node or a tensor.
"""

from __future__ import annotations

SAME = "Its name, operator, attributes, inputs and outputs are the same."
SAME_EQUAL_INPUTS = (
    "Its name, operator, attributes and outputs are the same; "
    "an equal value stands in for an input."
)
RENAMED = "The same operator computes the same from the same inputs, under another name."
CHANGED_OP = "It makes the tensor that one node of another operator made, from the same inputs."
CHANGED_ATTRIBUTES = "It makes the same tensor with the same operator but other attributes."
CHANGED_INPUTS = "It makes the tensor of that name with the same operator, from other inputs."
CHANGED_PLACE = (
    "It has the operator of a node that is gone, and its name was made from that node's."
)
FUSED_CONE = (
    "It makes the tensor that the last of these nodes made, from the inputs of the first; "
    "what was between them is gone."
)
FUSED_COPY = (
    "It makes the tensor that the last of these nodes made, from the inputs of the first; "
    "one of them also remains for others that use it."
)
FUSED_OUTPUTS = "It makes the tensors that these nodes made, from the same inputs."
FUSED_LEAK = (
    "It makes the tensor that the last of these nodes made; some inputs are not the same ones."
)
FUSED_MANY = "These nodes together make the tensor that those together made."
SPLIT_CONE = "These nodes together make the tensor that one node made, from its inputs."
SPLIT_NAMES = "Their names, or the tensor they give, tell which node they were made from."
SPLIT_PLACE = "What it gives is used where that node's output was used."
GRADIENT_NAME = "Gradient building made it for that forward node, by its name."
GRADIENT_SUM = "Gradient building sums what flows back to that node's output, by its name."
GRADIENT_TENSOR = "Gradient building made it: it gives the gradient of a tensor that node uses."
GRADIENT_PARAMETER = "Gradient building made it: it gives the gradient of a parameter of that node."
GRADIENT_USER = "Gradient building made it for other gradient nodes, which use what it gives."
YIELD = "Gradient building put it between forward and backward; it hands out that node's output."
INSERTED_NAME = "An optimiser inserted it: its name was made from that node's, which remains."
INSERTED_BEFORE = "An optimiser inserted it in front of that node."
INSERTED_AFTER = "An optimiser inserted it behind that node."
COMPUTED_AGAIN = "An optimiser inserted it: it computes once more what that node computes."
REMOVED_STORED = "What it gives lies in the file as a constant."
REMOVED_EQUAL_CONSTANT = "An equal constant is used in its place."
REMOVED_AHEAD = "It was computed ahead, with what followed from it."
REMOVED_NOTHING = "It does nothing here: what used its output takes its input."
REMOVED_TWIN = "Another node computes the same from the same inputs and is used in its place."
REMOVED_REPLACED = "What used its output takes another value in its place."
REMOVED_DEAD = "Nothing that is left uses what it gives."
UNTRACED_NEW = "Neither its name nor its tensors nor the nodes around it tell where it came from."
UNTRACED_GONE = "Nothing tells what became of it."
