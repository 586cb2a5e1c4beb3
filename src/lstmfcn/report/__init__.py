"""The page that shows what the pipeline found."""
