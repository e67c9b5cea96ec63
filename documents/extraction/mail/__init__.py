"""Reads mails, mailboxes, their attachments and invitations."""
