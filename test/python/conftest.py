"""Its folder is on the path of the tests, which share `interpreter`."""
