"""Whether it is this machine's fault that nothing answered. Pure."""

from collections.abc import Mapping

_NO_WAY_OUT = ("no route", "the network is down", "this machine's firewall")
"""Beginnings of the reasons that are about this machine, not about the addresses swept."""


def no_way_out(silences: Mapping[str, int]) -> str:
    """Why no address at all could be tried, given how often each reason for silence came up
    in a sweep that met nothing else; empty when one could."""
    if not all(reason.startswith(_NO_WAY_OUT) for reason in silences):
        return ""
    return max(silences, key=lambda reason: silences[reason], default="")
