"""Who may read or change what, and what a cached answer depends on."""
