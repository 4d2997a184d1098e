"""Listings made elsewhere: lists, inventories of stores and DICOMDIR files."""
