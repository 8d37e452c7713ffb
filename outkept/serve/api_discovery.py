"""Endpoints about what is swept and how addresses ended."""

from fastapi import APIRouter
from starlette.responses import Response

from outkept.serve import shapes_discovery as shapes
from outkept.serve.answers import listed
from outkept.serve.needs import READ
from outkept.serve.source import Source


def add_discovery(router: APIRouter, source: Source) -> None:
    """/ranges and /addresses/outcomes."""

    @router.get("/ranges", response_model=shapes.Ranges, dependencies=READ)
    async def ranges() -> Response:
        """The configured ranges, with their last and next sweep. There is only one page."""
        return listed((source.ranges(), None))

    @router.get("/addresses/outcomes", response_model=shapes.Outcomes, dependencies=READ)
    async def outcomes() -> Response:
        """How many addresses ended how and why, most first. There is only one page."""
        return listed((await source.address_outcomes(), None))
