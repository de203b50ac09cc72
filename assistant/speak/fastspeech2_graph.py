"""Rewrites the FastSpeech2 graph without its two always-on dropouts, which the plain runtime lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assistant.errors import SpeakError
from assistant.speak.files import write_whole

_HINT = "Run `jiamenkou weights verify fastspeech2-baker`."
_RANDOM = b"FlexRandomUniform"


def plain_graph(source: Path, cache: Path) -> Path:
    """The graph without random numbers, written into ``cache`` once, whole or not at all.

    Each dropout is a chain on a value v: v * constant, shape of v, random, comparison, cast, product.
    Without it, whoever read the product reads v. Raises ``SpeakError`` when the graph is not the known one.
    """
    size = source.stat().st_size
    derived = cache / f"fastspeech2-plain-{size}.tflite"
    if derived.exists() and derived.stat().st_size > size * 0.9:
        return derived
    # The schema takes a second to import and is needed once only.
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(source.read_bytes(), 0))
        graph = model.subgraphs[0]
        random = next(n for n, code in enumerate(model.operatorCodes) if code.customCode == _RANDOM)
    except Exception as problem:  # the schema raises whatever broken bytes lead to
        raise SpeakError(f"{source} is not the known TFLite graph ({problem!r}).", _HINT) from problem
    dropouts = [operator for operator in graph.operators if operator.opcodeIndex == random]
    for dropout in dropouts:
        _remove(graph, dropout)
    # The code stays in the table of codes otherwise, and the runtime looks every code up.
    model.operatorCodes[random].customCode = None
    model.operatorCodes[random].builtinCode = schema.BuiltinOperator.SHAPE
    model.operatorCodes[random].deprecatedBuiltinCode = schema.BuiltinOperator.SHAPE
    builder = flatbuffers.Builder(size)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return write_whole(derived, bytes(builder.Output()))


def _remove(graph: Any, dropout: Any) -> None:
    def maker(tensor: int) -> Any:
        return next(operator for operator in graph.operators if tensor in operator.outputs)

    def readers(tensor: int) -> list[Any]:
        return [operator for operator in graph.operators if tensor in operator.inputs]

    shape = maker(dropout.inputs[0])
    value = int(shape.inputs[0])
    chain = [shape, dropout]
    for _ in range(3):  # comparison, cast, product
        following = readers(chain[-1].outputs[0])
        if len(following) != 1:
            raise SpeakError("A dropout of the FastSpeech2 graph is not built as known.", _HINT)
        chain.append(following[0])
    product = chain[-1]
    scaled = maker(next(int(tensor) for tensor in product.inputs if tensor != chain[-2].outputs[0]))
    if value not in scaled.inputs:
        raise SpeakError("A dropout of the FastSpeech2 graph is not built as known.", _HINT)
    for reader in readers(product.outputs[0]):
        reader.inputs = [value if tensor == product.outputs[0] else tensor for tensor in reader.inputs]
    gone = {id(operator) for operator in (*chain, scaled)}
    graph.operators = [operator for operator in graph.operators if id(operator) not in gone]
