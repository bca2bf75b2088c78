"""When a call may go out: quotas of the service, its health, and how much it bears at a time."""
