"""Benchmarks of mmpose_lite, beside MMPose and by itself; see README.md."""
