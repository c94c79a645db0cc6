#!/usr/bin/env bash
# Every exported policy, loaded with torch.jit.load in Python: equal to its vectors, in one batch.
# Needs SR2L_SOURCE (the checkout), SR2L_BIN and SR2L_TESTS (built programs and tests).
set -euo pipefail

if ! python3 -c 'import torch' 2>/dev/null; then
  echo "python3 has no torch here: TorchScript is loaded back in C++ alone"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$SR2L_TESTS/write_test_exports" torchscript "$scratch" "$SR2L_BIN"
python3 "$SR2L_SOURCE/tests/deploy/export/run_torchscript.py" "$scratch"/*.pt
