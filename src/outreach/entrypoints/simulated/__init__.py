"""`outreach simulate`: weeks of a campaign by the shipped use cases, in memory."""
