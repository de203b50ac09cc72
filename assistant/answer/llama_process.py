"""The child process that holds a GGUF model: llama.cpp's server on 127.0.0.1, silent, gone with its parent.

Started as a file by ``llama.LlamaServer``. It reads one JSON line of settings from standard input, writes
one JSON line ``{"port": …}`` to standard output when the model can answer, and ends when standard input
closes, which happens whenever the parent ends, however it ends. Loading holds Python's lock for seconds and
a broken file can crash the whole process: both are why this isn't done in the parent.
"""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import urlsplit


def main() -> None:
    """Serve one model until the parent is gone."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Nothing that the runtime prints may reach a terminal or a file: it could hold residents' words.
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    wanted = json.loads(sys.stdin.readline())

    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = wanted["model"]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [wanted["key"]]
    parameters.cors_origins = "http://127.0.0.1"
    parameters.n_ctx = wanted["context"]
    parameters.n_parallel = 1
    # Small batches: a request that was given up is noticed only between two of them.
    parameters.n_batch = parameters.n_ubatch = wanted["batch"]
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = wanted["threads"]
    parameters.n_gpu_layers = 0
    parameters.fit_params = False
    parameters.slot_save_path = wanted["folder"] + os.sep
    parameters.cache_ram_mib = 0
    parameters.cache_idle_slots = False
    parameters.endpoint_slots = False
    parameters.ui = False
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)

    answers.write(json.dumps({"port": urlsplit(server.listening_address).port}) + "\n")
    answers.flush()
    sys.stdin.read()  # until the parent closes it, or is gone
    os._exit(0)


if __name__ == "__main__":
    main()
