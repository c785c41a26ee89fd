"""Ports made real, one package per technology or provider."""
