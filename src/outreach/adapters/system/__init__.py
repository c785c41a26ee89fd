"""What this machine and plain libraries give: holidays, ids, the log of alerts."""

from outreach.adapters.system.alerts import LogAlerts
from outreach.adapters.system.holidays import LibraryCalendar
from outreach.adapters.system.ids import uuid7

__all__ = ["LibraryCalendar", "LogAlerts", "uuid7"]
