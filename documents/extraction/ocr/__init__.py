"""Recognises the text of scanned pages and of pictures (OCR), with one of two engines that may be installed."""
