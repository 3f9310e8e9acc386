"""Compiling lifted modules for PJRT and IREE, and sessions that keep their slots."""
