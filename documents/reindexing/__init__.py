"""Builds, compares, promotes and drops embedding spaces."""
