"""What a release carries beside the executables."""
