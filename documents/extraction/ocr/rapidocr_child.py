"""Runs the process that recognises pages with RapidOCR."""

from documents.extraction.ocr.child import serve_engine
from documents.extraction.ocr.engines import RAPIDOCR

if __name__ == "__main__":
    serve_engine(RAPIDOCR)
