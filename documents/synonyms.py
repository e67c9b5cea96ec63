"""Everyday words of work that mean the same, by language: for a word that a corpus doesn't have. Pure: no Django.

Each line is one group. Only what can be said for one another in an office: where two words differ in law or money
("employee" and "freelancer"), they are in no group.
"""

from __future__ import annotations

from functools import lru_cache

_GROUPS = {
    "en": """
        holiday vacation leave
        salary pay wage remuneration
        boss manager supervisor superior
        sick ill unwell
        sickness illness
        car vehicle
        dismiss fire terminate
        dismissal termination firing
        quit resign
        phone telephone
        mobile cell cellphone
        laptop notebook
        mail email
        lunch meal
        staff personnel workforce
        worker employee
        colleague coworker
        begin start commence
        end finish
        buy purchase procure
        purchase procurement
        invoice bill
        refund reimbursement
        refund reimburse repay
        customer client
        supplier vendor
        company firm business
        contract agreement
        training course
        room office
        bike bicycle
        trip journey travel
        cafeteria canteen
        help support assistance
        error fault failure
        broken defective faulty
        allowed permitted
        forbidden prohibited banned
        rule regulation policy
        boss chief
        doctor physician
        kid child
        garbage trash waste rubbish
        elevator lift
        parking carpark
        screen monitor display
    """,
    "de": """
        urlaub ferien
        gehalt lohn vergütung bezahlung
        chef vorgesetzter vorgesetzte
        krank arbeitsunfähig
        auto wagen fahrzeug pkw
        kündigen entlassen
        kündigung entlassung
        telefon fernsprecher
        handy mobiltelefon smartphone
        laptop notebook
        mail email
        kantine mensa
        mitarbeiter angestellter beschäftigter arbeitnehmer
        kollege mitarbeiter
        beginnen anfangen starten
        kaufen beschaffen erwerben
        kauf beschaffung
        rechnung faktura
        erstattung rückerstattung
        kunde auftraggeber
        lieferant zulieferer
        firma unternehmen betrieb
        vertrag vereinbarung
        schulung fortbildung weiterbildung
        rad fahrrad
        reise dienstreise
        fehler störung
        defekt kaputt
        erlaubt gestattet zulässig
        verboten untersagt
        regel vorschrift richtlinie
        arzt mediziner
        müll abfall
        aufzug fahrstuhl lift
        bildschirm monitor
    """,
}


@lru_cache(maxsize=8)
def _table(language: str) -> dict[str, frozenset[str]]:
    table: dict[str, frozenset[str]] = {}
    for line in _GROUPS.get(language, "").splitlines():
        group = frozenset(line.split())
        for word in group:
            table[word] = table.get(word, frozenset()) | group
    return table


def synonyms_of(word: str, language: str) -> frozenset[str]:
    """Return other words for a word (in lower case, singular or with an s), without itself; empty: none is known."""
    table = _table(language.lower().replace("_", "-").partition("-")[0])
    found = table.get(word) or (table.get(word[:-1]) if word.endswith("s") else None) or frozenset()
    return found - {word, word[:-1]}
