"""Benchmarks report ratios within one run; the machine is printed beside them."""

import os
import platform
from pathlib import Path

import jax


def machine() -> str:
    """The processor, its cores, and what JAX computes on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor()
    return f"{processor}, {os.cpu_count()} cores, JAX {jax.__version__} on {jax.devices()[0]}"


def pytest_report_header() -> str:
    return f"machine: {machine()}"
