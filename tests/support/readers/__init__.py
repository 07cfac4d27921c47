"""What an archive is read in: the reading room, playback, ReplayWeb.page."""
