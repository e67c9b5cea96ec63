"""Mails, mailboxes, their attachments and invitations."""
