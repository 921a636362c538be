"""Description of the machine that a figure was measured on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

BF16_CPU_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")  # flags of x86 and ARM


@dataclass(frozen=True, slots=True)
class Machine:
    """The hardware and software that figures depend on."""

    cpu: str
    cores: int  # available to this process
    memory_gib: float
    bf16: bool  # the CPU has bfloat16 instructions
    python: str
    torch: str
    system: str

    @property
    def summary(self) -> str:
        """All fields in one readable line."""
        bf16 = "bf16" if self.bf16 else "no bf16"
        return (
            f"{self.cpu}, {self.cores} cores, {bf16}, {self.memory_gib:.0f} GiB, "
            f"{self.system}, Python {self.python}, torch {self.torch}"
        )


def this_machine() -> Machine:
    """The current machine. Complete on Linux; elsewhere some fields are empty."""
    cpuinfo = _cpuinfo()
    flags = (cpuinfo.get("flags") or cpuinfo.get("Features") or "").split()
    return Machine(
        cpu=cpuinfo.get("model name") or platform.processor() or platform.machine(),
        cores=_cores(),
        memory_gib=_memory_gib(),
        bf16=any(flag in BF16_CPU_FLAGS for flag in flags),
        python=platform.python_version(),
        torch=_version("torch"),
        system=f"{platform.system()} {platform.release()}",
    )


def _cpuinfo() -> dict[str, str]:
    """The fields of the first core in /proc/cpuinfo; empty where there is no such file."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().split("\n\n")[0].splitlines() if file.exists() else []
    return {name.strip(): value.strip() for name, _, value in (s.partition(":") for s in lines)}


def _cores() -> int:
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else (os.cpu_count() or 1)


def _memory_gib() -> float:
    if "SC_PHYS_PAGES" not in os.sysconf_names:
        return 0.0
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
