"""Decodes VISCII, a Vietnamese encoding of one byte per letter that uses six control characters as letters. Pure."""

from __future__ import annotations

_CONTROLS = {0x02: "Ẳ", 0x05: "Ẵ", 0x06: "Ẫ", 0x14: "Ỷ", 0x19: "Ỹ", 0x1E: "Ỵ"}
_HIGH = (
    "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐ"
    "ỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲ"
    "Õắằặấầẩậẽẹếềểễệố"
    "ồổỗỠƠộờởịỰỨỪỬơớƯ"
    "ÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳ"
    "ĐứÒÓÔạỷừửÙÚỹỵÝỡư"
    "àáâãảăữẫèéêẻìíĩỉ"
    "đựòóôõỏọụùúũủýợỮ"
)
_TABLE = [_CONTROLS.get(byte, chr(byte)) for byte in range(0x80)] + list(_HIGH)


def from_viscii(data: bytes) -> str:
    """Return VISCII text in Unicode; every byte means something."""
    return "".join(map(_TABLE.__getitem__, data))
