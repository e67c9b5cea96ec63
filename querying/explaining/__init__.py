"""Why a document was not found."""
