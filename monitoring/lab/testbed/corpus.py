"""Documents about a harbour for the drills, and questions that they answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

CORPUS = "drill-harbour"

DOCUMENTS = {
    "ferries.txt": """Ferries

The ferry to Sandholm leaves at quarter past every hour until ten. The crossing takes forty minutes.

A return ticket for the ferry costs eleven crowns, and children under seven travel free. Bicycles pay extra.

In a storm the ferry waits in the outer basin until the wind has dropped below twenty metres per second.
""",
    "cranes.txt": """Cranes

The blue crane lifts ninety tonnes and stands on the north quay. It was built by the Lindqvist yard in 1987.

Crane drivers renew their licence every three years after an eye test. The examiner is the harbour doctor.

No crane moves while a diver is in the water within two hundred metres of it.
""",
    "lighthouse.txt": """The lighthouse

The lighthouse on the mole flashes white twice every nine seconds. Its lamp has been electric since 1931.

Visitors climb its one hundred and twelve steps on Sundays from May to September. The keeper sells the tickets.

When fog hides the mole, a horn sounds once a minute instead.
""",
    "fish_market.txt": """Fish market

The fish auction begins at five in the morning in the old rope hall. Buyers register the evening before.

Herring is sold by the barrel, cod by the crate, and eel alive by weight. Ice is delivered from the factory in Brenna.

Stalls are rinsed with sea water before noon, and gulls are kept away by two trained hawks.
""",
    "pilots.txt": """Pilots

Ships longer than seventy metres must take a pilot aboard at the buoy Gamma. A pilot is ordered three hours ahead.

The pilot boat Alma is orange and carries a crew of two. She turns upright again by herself after capsizing.

A pilot who has worked for ten hours rests for at least eight.
""",
    "customs.txt": """Customs

The customs office weighs sealed containers on the bridge scale behind shed four. Declarations come on form K9.

Spirits above two litres per traveller are taxed at the gate. Tobacco dogs work on Tuesdays and Fridays.

Goods that nobody claims are auctioned after ninety days, and the money goes to the seamen's mission.
""",
}

QUESTIONS = (
    "When does the ferry to Sandholm leave?",
    "How much does a return ticket for the ferry cost?",
    "How many tonnes does the blue crane lift?",
    "How often do crane drivers renew their licence?",
    "How often does the lighthouse on the mole flash?",
    "On which days do visitors climb the steps of the lighthouse?",
    "When does the fish auction begin in the rope hall?",
    "How is herring sold at the fish market?",
    "Which ships must take a pilot aboard at the buoy Gamma?",
    "What colour is the pilot boat Alma?",
    "Where does the customs office weigh sealed containers?",
    "When are goods auctioned that nobody claims?",
)


def write_documents(folder: Path, documents: Mapping[str, str] = DOCUMENTS) -> Path:
    """Write documents (file name: text) into a new folder, and return it."""
    target = folder / "harbour"
    target.mkdir()
    for name, text in documents.items():
        (target / name).write_text(text, encoding="utf-8")
    return target
