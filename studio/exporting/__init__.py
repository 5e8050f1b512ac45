"""What export targets share: checks, calibration pictures, tracing, and the
files that every exported folder holds. A floor of its own above `runtime` and `ml`, below the jobs;
the plugins of kind "target" are built from it. Nothing here names a target.
"""
