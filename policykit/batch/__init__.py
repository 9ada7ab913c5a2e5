"""Registers of many households: read in chunks, evaluated, written."""
