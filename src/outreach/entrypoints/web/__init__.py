"""The web side: an ASGI app to serve or to mount, and a server to serve it with."""
