"""The data: the archive's catalogue, its file formats, where to fetch it, and what to check."""
