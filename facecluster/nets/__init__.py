"""The networks: their layers, where their weights are and on which terms, and what runs them."""

from __future__ import annotations

import sys

# OpenVINO reports every import and conversion to its makers, unless the package that does so is not there.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
