"""All servers as the API shows each."""

from outkept.serve.source import Json, Source


def summaries(source: Source) -> list[Json]:
    """The Server shape of every server that there is."""
    found = (source.summary(server_id) for server_id in source.ids())
    return [one for one in found if one is not None]
