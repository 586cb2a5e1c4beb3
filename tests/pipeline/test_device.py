"""What is noted of a device, with a card and NVIDIA's library made up."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from lstmfcn.pipeline import device


class NVMLError(Exception):
    pass


@pytest.fixture
def card(monkeypatch):
    """Make up a card that JAX computes on, and a library that reads it."""
    stats = {"peak_bytes_in_use": 3 * 2**30}
    one = SimpleNamespace(platform="gpu", device_kind="NVIDIA Made Up", memory_stats=lambda: stats)
    monkeypatch.setitem(
        sys.modules, "jax", SimpleNamespace(devices=lambda: [one], __name__="jax", __version__="9.9")
    )
    library, energy = ModuleType("pynvml"), iter((5_000, 17_000))
    library.NVMLError = NVMLError
    library.nvmlInit = lambda: None
    library.nvmlDeviceGetHandleByIndex = lambda index: f"card {index}"
    library.nvmlDeviceGetHandleByUUID = lambda name: f"card {name}"
    library.nvmlDeviceGetTotalEnergyConsumption = lambda _: next(energy)
    library.nvmlDeviceGetUtilizationRates = lambda _: SimpleNamespace(gpu=87)
    monkeypatch.setitem(sys.modules, "pynvml", library)
    return library


def test_a_card_is_noted_with_its_memory_its_load_and_what_it_drew(card):
    assert device.Meter("jax").facts() == {
        "device": "NVIDIA Made Up",
        "backend": "jax 9.9",
        "device_memory": "3.00 GiB at most",
        "device_load": "87 % at the end",
        "device_energy": "12 J",
    }


def test_the_card_is_the_one_that_is_visible_here(card, monkeypatch):
    seen = []
    card.nvmlDeviceGetTotalEnergyConsumption = seen.append
    for visible in ("3,1", "GPU-12ab"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        device.Meter("jax")
    assert seen == ["card 3", "card GPU-12ab"]


def test_what_a_card_does_not_say_is_left_out(card):
    def refuse(_):
        raise NVMLError

    card.nvmlDeviceGetTotalEnergyConsumption = card.nvmlDeviceGetUtilizationRates = refuse
    assert set(device.Meter("jax").facts()) == {"device", "backend", "device_memory"}
    sys.modules["pynvml"] = None
    assert set(device.Meter("jax").facts()) == {"device", "backend", "device_memory"}


def test_a_processor_is_noted_with_its_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found = device.Meter("tensorflow").facts()
    assert found["device"] == "CPU, 1 thread(s)"
    assert found["backend"].startswith("tensorflow 2.")
