"""How a network is trained: the recipe, the schedule, the loop, and a package for each backend."""
