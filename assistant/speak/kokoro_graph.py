"""Shows the durations that the Kokoro graph keeps inside, as a second output of a derived file."""

from __future__ import annotations

from pathlib import Path

from assistant.errors import SpeakError
from assistant.speak.files import write_whole

DURATIONS = "durations"  # int64, shape (tokens,): steps of STEP samples
STEP = 600  # samples at 24 kHz: 25 ms


def timed_graph(source: Path, cache: Path) -> Path:
    """The graph with its durations as an output, written into ``cache`` once, whole or not at all.

    Raises ``SpeakError`` when the graph is not the known one or the folder can't be written.
    """
    size = source.stat().st_size
    derived = cache / f"kokoro-timed-{size}.onnx"
    if derived.exists() and derived.stat().st_size > size * 0.9:
        return derived
    # The package takes half a second to import and is needed once only.
    import onnx

    try:
        model = onnx.load(str(source))
    except Exception as problem:  # protobuf raises its own kinds
        raise SpeakError(
            f"{source} is no ONNX graph ({problem}).", "Run `jiamenkou weights verify kokoro-82m`."
        ) from problem
    producers = {name: node for node in model.graph.node for name in node.output}
    rounded = [
        node
        for node in model.graph.node
        if node.op_type == "Clip"
        and producers.get(node.input[0]) is not None
        and producers[node.input[0]].op_type == "Round"
    ]
    if len(rounded) != 1:
        raise SpeakError(
            "The Kokoro graph has no single rounded duration.", "Run `jiamenkou weights verify kokoro-82m`."
        )
    model.graph.node.append(onnx.helper.make_node("Identity", [rounded[0].output[0]], [DURATIONS]))
    model.graph.output.append(onnx.helper.make_tensor_value_info(DURATIONS, onnx.TensorProto.FLOAT, None))
    return write_whole(derived, model.SerializeToString())
