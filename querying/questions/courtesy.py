"""Removes greetings, thanks and phrases like "could you tell me" from a question. Pure: no Django.

A "please" counts as a word that the documents don't have, and a short question with one would be refused.
"""

from __future__ import annotations

import re

_OPENINGS = (
    # English
    r"(?:hello|hi|hey|good (?:morning|day|afternoon|evening))(?: there| everybody| everyone| all| team)?(?=[\s,.!;:])",
    r"(?:i have|i've got) (?:a|another|one more)(?: quick| short| simple)? question",
    r"(?:a )?(?:quick |short )?question(?=\s*:)",
    r"(?:could|can|would|will) (?:you|someone|somebody|anyone|anybody)(?: please| kindly)?"
    r" (?:tell|show|explain to|let) (?:me|us)(?: know)?(?: please)?",
    r"(?:please )?(?:tell|let) (?:me|us)(?: know)?(?: please)?",
    r"(?:please|kindly|excuse me|sorry|may i ask|i was wondering|i wonder|just wondering)(?=\W)",
    r"i(?:'d| would) (?:like|love) to (?:know|ask|learn)|i (?:want|wish|need) to (?:know|ask)",
    r"do you (?:happen to )?know|does any(?:one|body) know",
    # German
    r"(?:hallo|guten (?:tag|morgen|abend)|moin|servus)(?: zusammen| alle| miteinander| team)?(?=[\s,.!;:])",
    r"ich (?:habe|hätte)(?: da)?(?: mal)? eine(?: kurze)? frage|(?:eine )?(?:kurze )?frage(?=\s*:)",
    r"(?:können|könnten|kannst|könntest|könnt) (?:sie|du|ihr|mir)(?: mir| uns| jemand)?(?: bitte)?(?: mal)?"
    r" (?:sagen|erklären|mitteilen|verraten)",
    r"(?:sagen sie mir|sag mir|sagt mir)(?: bitte)?|ich (?:möchte|würde)(?: gerne?)? wissen|ich wüsste gerne?(?=\W)",
    r"(?:bitte|entschuldigung|entschuldigen sie|darf ich fragen|weiß jemand)(?=\W)",
    # Vietnamese
    r"(?:xin )?chào (?:bạn|anh|chị|anh chị|các bạn|mọi người|cả nhà|ad)(?=\W)",
    r"(?:xin |làm ơn |vui lòng )?cho (?:tôi|mình|em|hỏi)(?: hỏi| biết)?(?: là)?(?=\W)",
    r"(?:tôi|mình|em) (?:có một câu hỏi|có câu hỏi|muốn hỏi|muốn biết)(?: là)?|xin hỏi|làm ơn|vui lòng",
    # Chinese
    r"(?:请问|想问|想请问|我想知道|我想问|能告诉我|请告诉我|麻烦问)(?:一下)?|(?:你|您|大家)好|我有(?:一)?个问题|麻烦(?:您|你)?",
    # Spanish and French
    r"(?:hola|buen[oa]s (?:días|tardes|noches))(?=\W)|tengo una pregunta|quisiera saber|me gustaría saber",
    r"(?:me |nos )?(?:podrías?|puedes?)(?: usted)?(?:,? por favor,?)? (?:decirme|decirnos|decir)(?:,? por favor)?",
    r"(?:bonjour|bonsoir|salut)(?=\W)|j'ai une question|je voudrais savoir|j'aimerais savoir",
    r"(?:pourriez|pouvez)-vous(?: me| nous)? dire(?:,? s'il vous plaît)?|por favor|s'il (?:vous|te) pla[iî]t",
)
_CLOSINGS = (
    r"(?:many |kind )?thanks?(?: you)?(?: so much| very much| a lot| in advance| for your help)*|thx|cheers|please"
    r"|(?:kind |best )regards",
    r"(?:vielen |besten |herzlichen )?dank(?:e)?(?: schön| sehr| euch| ihnen| dir| vielmals)?(?: im voraus)?|bitte"
    r"|(?:mit )?(?:viele|schöne|liebe|freundliche)n? grüße?n?",
    r"(?:xin )?(?:chân thành )?cảm ơn(?: nhiều| trước| bạn| anh chị| mọi người| ạ)*|ạ|nhé"
    r"|giúp (?:tôi|mình|em)(?: với)?",
    r"(?:muchas |mil )?gracias(?: de antemano| por su ayuda)?|merci(?: beaucoup| d'avance| bien)?|por favor"
    r"|s'il (?:vous|te) pla[iî]t",
)
_CLOSINGS_UNSPACED = r"(?:非常|先|多)?(?:谢谢|感谢)(?:您|你|了|大家|啦)*|麻烦(?:您|你)了"
_BLANK = r"[\s,.;:!?¡¿…。，！？：；、-]*"
_OPENING = re.compile(rf"{_BLANK}(?:{'|'.join(_OPENINGS)}){_BLANK}", re.IGNORECASE)
_END = r"[\s,.;:!?…。，！？；、]*$"
_CLOSING = re.compile(
    rf"(?:^|(?<=[\s,.;:!?¡…。，！？；、]))(?:{'|'.join(_CLOSINGS)}){_END}|(?:{_CLOSINGS_UNSPACED}){_END}", re.IGNORECASE
)
_ROUNDS_MAX = 4  # "Hello. I have a question. Could you please tell me ..."


def without_courtesy(question: str) -> str:
    """Return a question without what politeness puts around it; the whole of it where nothing else is there.

    'Could you please tell me: who pays? Thank you!' -> 'who pays?'
    """
    text = question
    for _ in range(_ROUNDS_MAX):
        shorter = _CLOSING.sub("", text).rstrip(" \n,;:¡，、")
        if found := _OPENING.match(shorter):
            shorter = shorter[found.end() :]
        if shorter == text or not any(map(str.isalnum, shorter)):
            break
        text = shorter
    return text
