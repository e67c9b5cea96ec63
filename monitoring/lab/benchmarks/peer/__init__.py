"""Peer for comparison: a small FastAPI and LangChain server, which `benchmark streams --peer` measures as well.

Its packages are not ours. `rag_server` and `packages` run in the interpreter that the option names, the rest in ours.
"""
