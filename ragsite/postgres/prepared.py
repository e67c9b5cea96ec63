"""Prepares frequent statements: Postgres plans them once per connection, and then only runs them.

For the short statements of a question, planning costs several times what running does. Django sends every statement as
new text with its values in it, and so does `connection.cursor()` here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import psycopg

from ragsite.postgres.connections import BoundedConnection

HOT_USES = 5  # of a statement in this process before it is prepared: most others come once
HOT_KEPT = 80  # below psycopg's 100 per connection: beyond that, each one prepared evicts another
SEEN_KEPT = 1000


class Hot:
    """Statements that are frequent enough to be prepared. A statement is its text, without the values."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hot: OrderedDict[str, None] = OrderedDict()  # the latest used last
        self._seen: OrderedDict[str, int] = OrderedDict()

    def is_hot(self, statement: str) -> bool:
        """Note one more use of a statement, and return whether it is worth keeping."""
        with self._lock:
            if statement in self._hot:
                self._hot.move_to_end(statement)
                return True
            uses = self._seen.pop(statement, 0) + 1
            if uses < HOT_USES:
                self._seen[statement] = uses
                if len(self._seen) > SEEN_KEPT:
                    self._seen.popitem(last=False)
                return False
            self._hot[statement] = None
            if len(self._hot) > HOT_KEPT:
                self._hot.popitem(last=False)
            return True


hot = Hot()


class PreparingCursor(psycopg.Cursor[Any]):
    """Sends values beside the statement, and has a hot one prepared, unless DATABASE_PREPARE_STATEMENTS is off.

    Only for statements whose best plan doesn't depend on their values: after some runs Postgres may keep one plan for
    all of them. What decides about the plan, such as the corpus, belongs into the text.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> PreparingCursor:
        """Run a statement with its values."""
        connection = self.connection
        if not (isinstance(connection, BoundedConnection) and connection.prepares and hot.is_hot(query)):
            return super().execute(query, params, **options)
        connection.prepare_threshold = 0
        try:
            return super().execute(query, params, prepare=True, **options)
        finally:
            connection.prepare_threshold = None
