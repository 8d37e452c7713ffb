"""The HTTP side: API, live websocket, page and metrics. Only here is a web framework imported."""
