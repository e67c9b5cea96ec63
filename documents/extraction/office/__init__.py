"""Reads Word, Excel, PowerPoint, OpenDocument and RTF files."""
