"""Files of leads: CSV in any dialect and encoding, JSON lines, and the rejects."""

from outreach.adapters.files.mappings import MappingRows
from outreach.adapters.files.open_table import open_table
from outreach.adapters.files.rejects import RejectsFile

__all__ = ["MappingRows", "RejectsFile", "open_table"]
