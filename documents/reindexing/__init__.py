"""Building, comparing, promoting and dropping embedding spaces."""
