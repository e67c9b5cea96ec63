"""Tables of English spellings and phrases with the same meaning, for canonical_words.py. Pure: no Django.

An entry belongs here only if no question changes its meaning by it. Whatever is left out costs a hit of a cache; an
entry too many costs a wrong answer: "damage" and "damages", "term" and "terms" are two things each.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Signs and numbers, in every language

POWERS = str.maketrans({"²": " squared", "³": " cubed"})  # NFKC would make m2 of m²
SYMBOLS = {"&": "and", "–": "-", "—": "-"}
CURRENCIES = {
    **dict.fromkeys(["€", "euro", "euros", "eur"], "€"),
    **dict.fromkeys(["$", "dollar", "dollars", "usd"], "$"),
    **dict.fromkeys(["£", "gbp"], "£"),
    **dict.fromkeys(["₫", "đồng", "vnd", "vnđ"], "₫"),
}
# Names that are a unit only right after a number: "m" and "min" may be anything elsewhere.
UNITS = {
    **CURRENCIES,
    **dict.fromkeys(["percent", "percentage", "prozent"], "%"),
    **dict.fromkeys(["kilometre", "kilometres", "kilometer", "kilometers", "kilometern"], "km"),
    **dict.fromkeys(["metre", "metres", "meter", "meters", "metern", "mét"], "m"),
    **dict.fromkeys(["centimetre", "centimetres", "centimeter", "centimeters", "zentimeter", "zentimetern"], "cm"),
    **dict.fromkeys(["millimetre", "millimetres", "millimeter", "millimeters", "millimetern"], "mm"),
    **dict.fromkeys(["kilogram", "kilograms", "kilo", "kilos", "kilogramm"], "kg"),
    **dict.fromkeys(["tonne", "tonnes", "tonnen", "tấn"], "t"),
    **dict.fromkeys(["hour", "hours", "hr", "hrs", "std", "stunden"], "h"),
    **dict.fromkeys(["minute", "minutes", "mins", "minuten", "phút"], "min"),
    **dict.fromkeys(["mile", "miles"], "mi"),
}
UNITS_OF_TWO = {
    ("per", "cent"): "%",
    ("phần", "trăm"): "%",
    **dict.fromkeys([("square", metre) for metre in ("metre", "metres", "meter", "meters")], "sqm"),
    **dict.fromkeys([("cubic", metre) for metre in ("metre", "metres", "meter", "meters")], "cbm"),
    **dict.fromkeys([("mét", "vuông"), ("m", "squared")], "sqm"),
    ("m", "cubed"): "cbm",
    ("degree", "celsius"): "°c",
    ("degrees", "celsius"): "°c",
    ("grad", "celsius"): "°c",
    ("°", "c"): "°c",
}
MONTHS = _words("january february march april may june july august september october november december")

# English words

NUMBERS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]  # "one" is more
_AMERICAN = {
    **{
        word: word.replace("our", "or", 1)
        for stem in ("labour", "colour", "favour", "honour", "harbour", "neighbour", "behaviour", "endeavour")
        for word in (stem, f"{stem}s", f"{stem}ed", f"{stem}ing")
    },
    **{
        word: word.replace("ll", "l", 1)
        for stem in ("cancell", "travell", "labell", "modell", "signall", "fuell")
        for word in (f"{stem}ed", f"{stem}ing", f"{stem}er", f"{stem}ers")
    },
    "favourite": "favorite",
    "centre": "center",
    "centres": "centers",
    "theatre": "theater",
    "fibre": "fiber",
    "programme": "program",
    "programmes": "programs",
    "licence": "license",
    "licences": "licenses",
    "defence": "defense",
    "offence": "offense",
    "catalogue": "catalog",
    "catalogues": "catalogs",
    "enrol": "enroll",
    "fulfil": "fulfill",
    "judgement": "judgment",
    "grey": "gray",
    "aluminium": "aluminum",
    "whilst": "while",
    "amongst": "among",
    "till": "until",
}
# organise, authorises, standardised, utilisation; "promise" becomes a word that is none, in both questions.
IZE = re.compile(r"(?<=[a-z]{4})is(e|es|ed|er|ers|ing|ation|ations)$")

FORMS = {
    **{word: str(number) for number, word in enumerate(NUMBERS, start=2)},
    **CURRENCIES,
    **_AMERICAN,
    **dict.fromkeys(["percent", "percentage"], "%"),
    **dict.fromkeys(["kilometre", "kilometres", "kilometer", "kilometers"], "km"),
    **dict.fromkeys(["kilogram", "kilograms", "kilo", "kilos"], "kg"),
    **dict.fromkeys(["is", "are", "am"], "be"),
    **dict.fromkeys(["begin", "begins", "starts"], "start"),
    **dict.fromkeys(["mandatory", "compulsory", "obligatory"], "required"),
    "taxis": "taxi",
    "permitted": "allowed",
    "fewer": "less",
    "has": "have",
    "does": "do",
    "cannot": "can not",
    "which": "what",
    "telephone": "phone",
    "purchase": "buy",
    "yearly": "per year",
    "annually": "per year",
    "monthly": "per month",
    "weekly": "per week",
    "daily": "per day",
}
CONTRACTED = {"ca": "can", "wo": "will", "sha": "shall"}  # can't, won't, shan't
ENDINGS = {"re": "be", "m": "be", "ll": "will", "ve": "have", "d": "would"}
BEFORE_IS = _words("what who where when how why it that there here")  # else a genitive
WITHOUT_MEANING = _words("please kindly")
NO_PLURAL = re.compile(
    r"(?:ss|us|is)$|^.{1,3}$|^(?:customs|goods|news|arms|means|works|premises|glasses|terms|minutes|damages|grounds"
    r"|securities|proceedings|contents|savings|earnings|interests|duties|quarters|particulars|remains|effects"
    r"|statistics|conditions|directions|authorities|manners|spirits|regards|respects|returns)$"
)
# After one of these "A" is a name: annex A, building A.
NAMED_BY_LETTER = _words(
    "annex appendix block building category class form gate grade group hall level lot option part party plan point"
    " room route schedule section site stage step table type version wing zone"
)
# What tells English from another language in a corpus of English documents.
ENGLISH = _words(
    "the what which who whom whose how when where why is are were do does did has have had can could may might"
    " must shall should would of with don doesn isn aren cannot whether"
)
NOT_ENGLISH = _words(
    "der das den dem ein eine einen einem einer und ist sind wer wie wo wann warum nicht mit von zu zum zur für auf"
    " im bei nach ich wir sie kann muss darf wird werden hat haben"
    " le la les un une du des est et que qui pour dans avec sur el los las una es y por para del con qué quién il lo"
    " gli che di da het een op voor niet o os um uma não em"
)

# English phrases, in the forms above

PHRASES = [
    (before.split(), after.split())
    for before, after in (
        ("what be number of", "how many"),
        ("what be amount of", "how much"),
        ("how can i", "how to"),
        ("how do i", "how to"),
        ("how i can", "how to"),
        ("how i", "how to"),  # tell me how I report an accident
        ("how do one", "how to"),
        ("how can one", "how to"),
        ("where can i", "where do i"),
        ("when be deadline", "what be deadline"),
        ("how thick be", "what be thickness of"),
        ("how wide be", "what be width of"),
        ("how high be", "what be height of"),
        ("how deep be", "what be depth of"),
        ("in charge of", "responsible for"),
        ("fill out", "fill in"),
        ("prior to", "before"),
        ("in order to", "to"),
        ("need to", "have to"),
        ("be it necessary to", "be it required to"),
        ("each year", "per year"),
        ("every year", "per year"),
        ("each month", "per month"),
        ("every month", "per month"),
        ("each week", "per week"),
        ("every week", "per week"),
        ("each day", "per day"),
        ("every day", "per day"),
        ("per cent", "%"),
        # Said as one word, so that "the phone number of x" can be "x's phone number".
        ("phone number", "phone-number"),
        ("email address", "email-address"),
        ("opening hour", "opening-hours"),
    )
]
SIZES = {
    **dict.fromkeys(["over", "above", "exceeding"], "more"),  # before a number: more than
    **dict.fromkeys(["under", "below"], "less"),
}
# With these, "have to" is not "must": what it has to offer, what that has to do with it.
NOT_MUST = _words("offer say do show gain lose")
NEGATIONS = _words("not no never none nobody nothing nor neither without hardly barely")
MODALS = _words("must may can could should will would shall")
HOW_LONG = _words("long many much")  # how long one has to pay is not how long one must pay
ASKED_HOW = _words("why when where how")
# A question with two of these has two clauses, and a verb that moves may land in the other one.
CLAUSES = _words("who whom whose what when where why how that if whether while because and or but than")
# Verbs that stand last where a question is told, by language: ich möchte wissen, wer dafür zuständig ist.
VERBS = {
    "de": _words(
        "ist sind war waren wird werden hat haben muss müssen darf dürfen kann können soll sollen gilt gelten gibt"
    )
}
# Words that begin something new after "the x of the y".
ENDS = MODALS | CLAUSES | _words("be do have not of in on at for from to with by per during under after before within")
# Of these, "not" says something else before and after: not all, all not.
SCOPES = _words("all every each any some most many much few both either only just even always often more")
# Words that are something else with a capital.
TELLING_CAPITALS = re.compile(
    "us|it|who|may|march|august|will|mark|bill|sue|rob|pat|job|nice|reading|mobile|polish|turkey|china|apple|windows?"
    "|word|excel|access|teams?|outlook|oracle|python|java|rust|swift|go|office|house|states?|bush|rose|grant|frank"
)

# What says "I ask", and not what is asked: of the words before any other rule but case.

OPENINGS = {
    "en": re.compile(
        r"(?:hello|hi|hey|good (?:morning|afternoon|evening|day)"
        r"|(?:can|could|would) you (?:please |kindly )?(?:tell me|explain|let me know)|tell me|explain"
        r"|i (?:would like|want|need) to know|i wonder|do you know|may i (?:ask|know)|let me know|i have a question"
        r"|(?:thank you|thank)(?: in advance| for (?:your|the) help)?|okay|ok|please|kindly) "
    ),
    "de": re.compile(
        r"(?:hallo|guten (?:tag|morgen|abend)|bitte|danke|vielen dank|sagen sie mir"
        r"|(?:können|könnten) sie mir (?:bitte )?sagen|ich (?:möchte|würde) (?:gerne? )?wissen) "
    ),
    "vi": re.compile(
        r"(?:xin chào|chào (?:bạn|anh|chị)|(?:xin |vui lòng |làm ơn )?cho (?:tôi |em |mình )?(?:hỏi|biết)|xin hỏi"
        r"|(?:bạn|anh|chị) có thể cho (?:tôi|em|mình) (?:hỏi|biết)|tôi muốn (?:hỏi|biết)) "
    ),
}
CLOSINGS = {
    "en": re.compile(r" (?:please|thank|thanks|thank you)(?: in advance)?$"),
    "de": re.compile(r" (?:bitte|danke|vielen dank)$"),
    "vi": re.compile(r" (?:ạ|(?:xin )?cảm ơn)$"),
}
