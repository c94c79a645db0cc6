#!/usr/bin/env bash
# Every exported policy, run by onnxruntime: in one batch, equal to its vectors. npm fetches
# onnxruntime-node from the registry that it is configured for.
# Needs SR2L_SOURCE (the checkout), SR2L_BIN and SR2L_TESTS (built programs and tests).
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/policies"
"$SR2L_TESTS/write_test_exports" onnx "$scratch/policies" "$SR2L_BIN"
cp "$SR2L_SOURCE/tests/deploy/export/run_onnxruntime.js" "$scratch"
cd "$scratch"
npm install --ignore-scripts --no-audit --no-fund --loglevel=error onnxruntime-node
node run_onnxruntime.js policies/*.onnx
