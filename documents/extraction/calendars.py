"""Calendar invitations (iCalendar), as lines that can be read and found."""

from __future__ import annotations

import re
from collections.abc import Iterator

_EVENT = re.compile(r"(?ms)^BEGIN:(VEVENT|VTODO|VJOURNAL)[ \t]*$(.*?)^END:\1[ \t]*$")
_ALARM = re.compile(r"(?ms)^BEGIN:VALARM[ \t]*$.*?^END:VALARM[ \t]*$")
_PROPERTY = re.compile(r"(?m)^([A-Z-]+)((?:;[^:\"\n]*(?:\"[^\"\n]*\")?)*):(.*)$")
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
    return "\n\n".join("\n".join(_lines(_ALARM.sub("", found[2]))) for found in _EVENT.finditer(unfolded))


def _lines(event: str) -> Iterator[str]:
    values: dict[str, list[str]] = {}
    for name, parameters, value in _PROPERTY.findall(event):
        if name in _NAMES and value.strip():
            values.setdefault(name, []).append(_readable(name, parameters, value.strip()))
    for name, label in _NAMES.items():
        if name in values:
            yield f"{label}: {', '.join(dict.fromkeys(values[name]))}"


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
