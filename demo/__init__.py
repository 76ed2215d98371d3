"""`make run`: an emulated fleet, an administrator, and the processes that show LogSite at work."""
