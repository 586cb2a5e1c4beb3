"""Studies: the folder in which a pipeline runs, and the paper's own study."""
