"""Runs each module at the observations of its vectors, and compares with their actions."""

import csv
import json
import sys

import torch

TOLERANCE = 1e-6  # of half an action's range


def greatest_difference(path):
    with open(path + ".contract.json") as file:
        contract = json.load(file)
    with open(path + ".vectors.csv") as file:
        rows = torch.tensor([[float(cell) for cell in row] for row in list(csv.reader(file))[1:]])
    observations = rows[:, : contract["observation_dim"]]
    expected = rows[:, contract["observation_dim"] :]
    extra = {"contract.json": ""}
    module = torch.jit.load(path, _extra_files=extra)
    assert json.loads(extra["contract.json"])["task"] == contract["task"]
    half_width = torch.tensor([(a["high"] - a["low"]) / 2 for a in contract["action"]])
    return ((module(observations) - expected).abs() / half_width).max().item()


differences = {path: greatest_difference(path) for path in sys.argv[1:]}
for path, difference in differences.items():
    print(path, f"{difference:.2e}")
sys.exit(0 if differences and all(d <= TOLERANCE for d in differences.values()) else 1)
