"""PostgreSQL and Valkey of our own, for when no URLs are set.

Both run from wheels (``outreach[embedded]``) or from what the system has, as children
that listen on unix sockets only. Durable servers keep their data in the user's data
folder and outlive a killed parent: the next start finds and uses them again.
Throw-away ones (tests) vanish with the last process that uses them, data included.

Not offered on Windows and musl, which the wheels do not know: set the two URLs there.
"""

from outreach.entrypoints.embedded.folder import default_data_dir
from outreach.entrypoints.embedded.launcher import Servers, discard, start

__all__ = ["Servers", "default_data_dir", "discard", "start"]
