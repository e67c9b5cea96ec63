"""Runs the process that recognises pages with Tesseract."""

from documents.extraction.ocr.child import serve_engine
from documents.extraction.ocr.engines import TESSERACT, tessdata

if __name__ == "__main__":
    serve_engine(TESSERACT, folders=tessdata)
