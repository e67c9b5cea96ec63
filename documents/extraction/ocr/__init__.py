"""Text recognition (OCR): the text of scanned pages and of pictures, by one of two engines that may be installed."""
