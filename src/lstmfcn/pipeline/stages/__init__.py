"""The ten stages: each reads its inputs, runs its jobs, and lays down its outputs."""
