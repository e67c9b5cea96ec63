"""Writes calendar invitations (iCalendar) as lines of text."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PROPERTY = re.compile(r"([A-Z-]{1,40})((?:;[^:\";]*(?:\"[^\"]*\")?)*+):(.*)")
_EVENTS = frozenset({"VEVENT", "VTODO", "VJOURNAL"})
_LINE_MAX_CHARS = 20_000
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?")
_NAMES = {
    "SUMMARY": "Event",
    "DTSTART": "Start",
    "DTEND": "End",
    "DUE": "Due",
    "LOCATION": "Location",
    "ORGANIZER": "Organizer",
    "ATTENDEE": "Attendees",
    "DESCRIPTION": "Description",
}


def looks_like_calendar(text: str) -> bool:
    """Return whether a text is an iCalendar file."""
    return text.lstrip("\ufeff \r\n").upper().startswith("BEGIN:VCALENDAR")


def read_calendar(text: str) -> str:
    """Return the events of a calendar: a line for each of summary, times, place, people and description."""
    unfolded = re.sub(r"\n[ \t]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
    events: list[dict[str, list[str]]] = []
    inside: list[str] = []  # the components that are open
    for line in unfolded.split("\n"):
        found = _PROPERTY.match(line[:_LINE_MAX_CHARS])
        if found is None:
            continue
        name, parameters, value = found[1], found[2], found[3].strip()
        if name == "BEGIN":
            inside.append(value)
            if value in _EVENTS:
                events.append({})
        elif name == "END" and inside:
            inside.pop()
        elif inside and inside[-1] in _EVENTS and name in _NAMES and value:
            events[-1].setdefault(name, []).append(_readable(name, parameters, value))
    return "\n\n".join("\n".join(_lines(event)) for event in events if event)


def _lines(event: dict[str, list[str]]) -> Iterator[str]:
    for name, label in _NAMES.items():
        if name in event:
            yield f"{label}: {', '.join(dict.fromkeys(event[name]))}"


def _readable(name: str, parameters: str, value: str) -> str:
    if name in {"DTSTART", "DTEND", "DUE"}:
        zone = re.search(r'TZID="?([^";:]+)', parameters)
        return _TIME.sub(_time, value, count=1) + (f" ({zone[1]})" if zone else "")
    if name in {"ORGANIZER", "ATTENDEE"}:
        person = re.search(r'CN="?([^";:]+)', parameters)
        address = re.sub(r"(?i)^mailto:", "", value)
        return f"{person[1]} <{address}>" if person and person[1] != address else address
    return re.sub(r"\\([nN,;\\])", lambda found: "\n" if found[1] in "nN" else found[1], value)


def _time(found: re.Match[str]) -> str:
    day = f"{found[1]}-{found[2]}-{found[3]}"
    return f"{day} {found[4]}:{found[5]}{' UTC' if found[7] else ''}" if found[4] else day
