"""What mmpose_lite costs, beside MMPose and by itself; README.md says how to read it."""
