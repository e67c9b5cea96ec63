"""Accepts a file into a corpus: stores it on disk, then adds its row and its job in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from documents.access.policy import Principal, readable_documents
from documents.indexing.attempts import restart
from documents.indexing.queue import enqueue
from documents.models import Corpus, Document
from documents.storage.file_store import Incoming, remove_file
from documents.text.names import SOURCE_MAX_CHARS, TITLE_MAX_CHARS, clean_name, clean_text, title_of
from ragsite.errors import CorpusNotFound, DocumentNotFound, NotAllowed, UploadTooLarge
from ragsite.web.chunked_bodies import most_bytes

if TYPE_CHECKING:
    BytesFile = UploadedFile[bytes]
else:
    BytesFile = UploadedFile

READ_BYTES = 256 * 1024
_TRIES = 5


@dataclass(frozen=True)
class Accepted:
    """The document of an upload, and whether it is new."""

    document: Document
    created: bool  # False: the corpus has these bytes already, and `document` is theirs


def accept_upload(
    corpus: Corpus,
    *,
    file: IO[bytes] | BytesFile,
    name: str,
    title: str = "",
    source: str = "",
    metadata: Mapping[str, Any] | None = None,
    readers: Iterable[Group] = (),
    readable: QuerySet[Document] | None = None,
    enqueued: bool = True,
) -> Accepted:
    """Store a file and return its document, which is waiting for a worker when this returns.

    For bytes that the corpus already has, the document that has them is returned; if its indexing failed, it is queued
    again. `readable` are the documents that the sender may read, if not all: NotAllowed is raised when the bytes are in
    another one. `enqueued=False` leaves the indexing to the caller.

    Raises UploadTooLarge, StorageFull, and CorpusNotFound for a corpus that was deleted meanwhile; no file is left
    then.
    """
    name = clean_name(name)
    incoming = _receive(file)
    try:
        known = known_bytes(corpus, incoming.sha256, readable)
        if known is not None:
            return Accepted(_try_again_if_failed(known, enqueued=enqueued), created=False)
        stored = incoming.keep()
    finally:
        incoming.discard()
    row = Document(
        tenant_id=corpus.tenant_id,
        corpus=corpus,
        title=clean_text(title, TITLE_MAX_CHARS) or title_of(name),
        source=clean_text(source, SOURCE_MAX_CHARS) or name,
        metadata=dict(metadata or {}),
        file_key=stored.key,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
    )
    return _insert(row, readers, readable, enqueued=enqueued)


def accept_uploads(
    principal: Principal,
    corpus: Corpus,
    files: Iterable[BytesFile],
    *,
    title: str = "",
    source: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> list[Document]:
    """Store a principal's files, and return their documents in the order of the files.

    Raises NotAllowed for bytes that the corpus has in a document which the principal may not read, and what
    `accept_upload` raises. The files before that one are stored.
    """
    readable = readable_documents(principal)
    return [
        accept_upload(
            corpus,
            file=file,
            name=file.name or "",
            title=title,
            source=source,
            metadata=metadata,
            readable=readable,
        ).document
        for file in files
    ]


def replace_file(document: Document, *, file: IO[bytes]) -> Document:
    """Give a document a new file, and return it; its live version is searched until the new one is indexed.

    The caller indexes it, and has checked that the corpus doesn't have these bytes yet. The old file is deleted after
    the commit. Raises UploadTooLarge, StorageFull, and DocumentNotFound for a deleted document.
    """
    stored = _receive(file).keep()
    try:
        with transaction.atomic():
            old_key = Document.objects.select_for_update().values_list("file_key", flat=True).get(pk=document.pk)
            restarted = restart(
                document, file_key=stored.key, sha256=stored.sha256, size_bytes=stored.size_bytes, media_type=""
            )
            if restarted is None:
                raise DocumentNotFound
            transaction.on_commit(lambda: remove_file(old_key))
    except Exception:
        remove_file(stored.key)
        raise
    return restarted


def known_bytes(corpus: Corpus, sha256: str, readable: QuerySet[Document] | None = None) -> Document | None:
    """Return the corpus' document with this hash. Raises NotAllowed when it is none of the `readable` ones.

    In one query: of two, the second would take a document that was deleted in between for an unreadable one, and the
    upload would be refused without reason.
    """
    same = Document.objects.filter(corpus=corpus, sha256=sha256, deleted_at=None)
    if readable is None:
        return same.first()
    known = same.annotate(may_be_read=Exists(readable.filter(pk=OuterRef("pk")))).first()
    if known is not None and not known.may_be_read:
        raise NotAllowed("The corpus has this very file already, in a document that you may not read.")
    return known


class Received(BytesFile):
    """An upload that was written to the file store while it was received."""

    def __init__(self, incoming: Incoming, name: str, content_type: str | None) -> None:
        incoming.file.flush()
        incoming.file.seek(0)
        super().__init__(file=incoming.file, name=name, content_type=content_type, size=incoming.size_bytes)
        self.incoming = incoming

    def close(self) -> None:
        """Delete the file unless it was accepted. Django calls this at the end of every request."""
        self.incoming.discard()


class ReceivingHandler(FileUploadHandler):
    """Writes uploads straight to the file store, and stops reading at UPLOAD_MAX_BYTES.

    Files of anonymous requests are skipped: they must not fill the disk.
    """

    incoming: Incoming | None = None

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *args: Any, **kwargs: Any) -> None:
        """Raise RequestDataTooBig for a body that is too large by its Content-Length, before it is read."""
        if content_length > most_bytes("multipart/form-data"):
            raise RequestDataTooBig

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Start a file in the file store. Raises SkipFile for an anonymous request, and StorageFull."""
        super().new_file(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated:
            raise SkipFile
        self.incoming = Incoming()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Append bytes to the file. Raises StorageFull, and RequestDataTooBig, which Django's own views also handle."""
        try:
            if self.incoming is not None:
                self.incoming.write(raw_data)
        except UploadTooLarge as exc:
            raise RequestDataTooBig(exc.message) from exc

    def file_complete(self, file_size: int) -> Received | None:
        """Return the received file; None when it was skipped."""
        if self.incoming is None:
            return None
        received = Received(self.incoming, self.file_name or "", self.content_type)
        self.incoming = None
        return received

    def upload_interrupted(self) -> None:
        """Delete the file of an upload that was interrupted."""
        if self.incoming is not None:
            self.incoming.discard()
            self.incoming = None


def _receive(file: IO[bytes] | BytesFile) -> Incoming:
    if isinstance(file, Received):
        return file.incoming
    incoming = Incoming()
    while chunk := file.read(READ_BYTES):
        incoming.write(chunk)
    return incoming


def _insert(
    row: Document, readers: Iterable[Group], readable: QuerySet[Document] | None, *, enqueued: bool
) -> Accepted:
    """Insert the row with its job. Of parallel uploads of the same bytes one inserts; the others get its document."""
    for _ in range(_TRIES):
        try:
            with transaction.atomic():
                row.save(force_insert=True)
                row.readers.set(readers)
                if enqueued:
                    enqueue(row)
            return Accepted(row, created=True)
        except IntegrityError:
            try:
                known = known_bytes(row.corpus, row.sha256, readable)
            except NotAllowed:
                remove_file(row.file_key)
                raise
            if known is not None:
                remove_file(row.file_key)
                return Accepted(_try_again_if_failed(known, enqueued=enqueued), created=False)
            # Else the document with these bytes was deleted since, and another try succeeds, or the corpus was.
        except Exception:
            remove_file(row.file_key)
            raise
    remove_file(row.file_key)
    raise CorpusNotFound


def _try_again_if_failed(document: Document, *, enqueued: bool) -> Document:
    if document.status != Document.Status.FAILED:
        return document
    with transaction.atomic():
        restarted = restart(document)
        if restarted is not None and enqueued:
            enqueue(restarted)
    return restarted or document
