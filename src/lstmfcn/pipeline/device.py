"""What a job is computed on, and what it takes of a card, as far as the card says so."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from lstmfcn.environment import n_threads
from lstmfcn.pipeline.executors.stacks import CARDS

GIB = 2**30


class Meter:
    """Measures from when it is made. Jobs that share a card share its figures: they are the card's.

    NVIDIA's own library says what a card draws and how busy it is, where it is installed (`pynvml`).

    Parameters
    ----------
    backend
        What computes here: "tensorflow" or "jax", which is loaded.
    """

    def __init__(self, backend: str) -> None:
        self._module = sys.modules[backend]
        self._device = self._module.devices()[0] if backend == "jax" else None
        nvml: tuple[Any, Any] = _nvml() if self._is_card() else (None, None)
        self._nvml, self._card = nvml
        self._energy = self._read("nvmlDeviceGetTotalEnergyConsumption")

    def facts(self) -> dict[str, str]:
        """Return the device and the backend; of a card also memory, load and energy, which may be missing."""
        found = {"device": self._name(), "backend": f"{self._module.__name__} {self._module.__version__}"}
        stats = (self._device.memory_stats() or {}) if self._device is not None and self._is_card() else {}
        if (memory := stats.get("peak_bytes_in_use")) is not None:
            found["device_memory"] = f"{memory / GIB:.2f} GiB at most"
        if (load := self._read("nvmlDeviceGetUtilizationRates")) is not None:
            found["device_load"] = f"{load.gpu} % at the end"
        energy = self._read("nvmlDeviceGetTotalEnergyConsumption")
        if energy is not None and self._energy is not None:
            found["device_energy"] = f"{(energy - self._energy) / 1000:.0f} J"
        return found

    def _is_card(self) -> bool:
        if self._device is not None:
            return bool(self._device.platform == "gpu")
        return bool(self._module.config.list_logical_devices("GPU"))

    def _name(self) -> str:
        if self._is_card():
            return "GPU" if self._device is None else str(self._device.device_kind)
        return f"CPU, {n_threads() if self._device is None else 'all'} thread(s)"

    def _read(self, function: str) -> Any:
        """Return what the library says of the card; None where it says nothing."""
        if self._card is None:
            return None
        with suppress(self._nvml.NVMLError):
            return getattr(self._nvml, function)(self._card)
        return None


def _nvml() -> tuple[Any, Any]:
    """Return NVIDIA's library and the card of this process; None where it knows none."""
    try:
        nvml = import_module("pynvml")
    except ModuleNotFoundError:
        return None, None
    with suppress(nvml.NVMLError, ValueError):
        nvml.nvmlInit()
        first = (os.environ.get(CARDS) or "0").split(",")[0]
        find = nvml.nvmlDeviceGetHandleByIndex if first.isdecimal() else nvml.nvmlDeviceGetHandleByUUID
        return nvml, find(int(first) if first.isdecimal() else first)
    return None, None
