"""Lists groups of synonyms of everyday office words by language (ISO 639-1). Pure: no Django.

One group per line: words and phrases separated by commas, the most usual ones first. Words that differ in law or money
("employee" and "freelancer") share no group. An entry in brackets is matched in questions but not searched, because in
documents it mostly has another meaning.
"""

from __future__ import annotations

GROUPS = {
    "en": """
        holiday, vacation, (annual leave), leave, (paid time off), (time off), pto
        salary, pay, wage, remuneration, paycheck
        bonus, (13th salary), (thirteenth salary)
        boss, (line manager), manager, supervisor, superior, chief
        sick, ill, unwell
        sickness, illness, (sick leave), ill
        (sick note), doctor's note, medical certificate, doctor's certificate, (sick certificate)
        pregnant, pregnancy, maternity
        parental, maternity, (maternity leave), (parental leave)
        parental, paternity, (paternity leave)
        dismiss, fire, terminate
        dismissal, termination, firing
        quit, resign, (hand in my notice), (give notice), notice period, (leave)
        resignation, notice, notice period, termination
        probation, (probationary period), trial period
        overtime, (extra hours), (extra work)
        (working hours), (office hours), (business hours), working time, core time
        remote, remotely, from home, (home office), telework, teleworking, wfh
        lost, loss, missing, lose
        stolen, theft
        fine, penalty, (late fee), (overdue fee), surcharge
        cost, price, fee, rate, charge
        cost, (expensive)
        expense, cost, outlay
        claim, request, (apply for)
        reimburse, refund, repay, (pay back)
        reimbursement, refund, repayment, expense claim, expense
        hire, rent, let, lease
        borrow, lend, loan
        weigh, weight, (heavy)
        height, (tall)
        age, (old)
        speed, (fast)
        distance, (far)
        duration, length, lasts, (how long)
        pet, dog, animal
        pet, cat, animal
        bike, bicycle
        car, vehicle, automobile
        phone, telephone
        (mobile phone), mobile, (cell phone), cellphone, smartphone, phone
        laptop, notebook, computer
        computer, pc, workstation
        screen, monitor, display
        mail, email
        password, passcode, passphrase
        lunch, meal
        cafeteria, canteen
        staff, personnel, workforce
        worker, employee
        colleague, coworker
        begin, start, commence
        end, finish
        buy, purchase, procure
        purchase, procurement
        invoice, bill
        customer, client
        supplier, vendor
        company, firm, business
        contract, agreement
        training, course
        room, office
        meeting, appointment
        trip, journey, travel, (business trip)
        help, support, assistance
        error, fault, failure
        broken, defective, faulty
        allowed, permitted, (may)
        forbidden, prohibited, banned
        rule, regulation, policy
        doctor, physician
        kid, child
        garbage, trash, waste, rubbish
        elevator, lift
        parking, carpark, (car park), (parking space)
        guest, visitor
        id card, identity card, badge
        raise, pay rise, (salary increase)
    """,
    "de": """
        urlaub, ferien, (freie tage)
        gehalt, lohn, vergütung, bezahlung, entgelt, verdienst
        chef, vorgesetzter, vorgesetzte, führungskraft, teamleitung
        krank, krankheit, arbeitsunfähig, erkrankt
        krankmeldung, krankschreibung, attest, arbeitsunfähigkeitsbescheinigung
        kündigen, kündigung
        kündigen, entlassen
        kündigung, entlassung
        homeoffice, (home office), mobiles arbeiten, telearbeit, (von zu hause), (mobile arbeit)
        auto, wagen, fahrzeug, pkw
        stellplatz, parkplatz
        rad, fahrrad
        telefon, fernsprecher
        handy, mobiltelefon, smartphone, diensthandy
        laptop, notebook, computer
        computer, rechner, pc
        bildschirm, monitor
        passwort, kennwort
        mail, email
        kantine, mensa
        mittagessen, mahlzeit, essen
        mitarbeiter, beschäftigter, angestellter, arbeitnehmer
        kollege, mitarbeiter
        beginnen, anfangen, starten
        kaufen, beschaffen, erwerben
        kauf, beschaffung
        kosten, preis, gebühr
        spesen, auslagen, reisekosten
        rechnung, faktura
        erstattung, rückerstattung, kostenerstattung
        erstatten, zurückzahlen, vergüten
        kunde, auftraggeber
        lieferant, zulieferer
        firma, unternehmen, betrieb
        vertrag, vereinbarung
        schulung, fortbildung, weiterbildung
        reise, dienstreise, geschäftsreise
        termin, besprechung, sitzung
        fehler, störung
        defekt, kaputt
        erlaubt, gestattet, zulässig
        verboten, untersagt
        regel, vorschrift, richtlinie
        arzt, mediziner
        müll, abfall
        aufzug, fahrstuhl, lift
        hund, haustier, tier
        katze, haustier, tier
        probezeit, probemonate
        überstunden, mehrarbeit
        arbeitszeit, arbeitsstunden
        elternzeit, mutterschutz
        verlust, verloren, verlieren
        mieten, leihen, ausleihen
        besuch, besucher, gast
        (wie hoch), höhe, beträgt
        (wie lange), (wie lang), dauer, dauert, beträgt
        (schwer), gewicht, wiegt, wiegen
        weihnachtsgeld, sonderzahlung, dreizehntes gehalt
    """,
    "vi": """
        nghỉ phép, ngày phép, nghỉ lễ, phép năm, nghỉ có lương
        lương, tiền lương, thu nhập, tiền công
        sếp, quản lý, cấp trên, trưởng nhóm, trưởng phòng
        ốm, bệnh, đau ốm, ốm đau, nghỉ ốm
        giấy của bác sĩ, giấy khám bệnh, giấy nghỉ ốm
        nghỉ việc, thôi việc, xin nghỉ, chấm dứt hợp đồng
        thử việc, tập sự
        làm thêm giờ, tăng ca, ngoài giờ
        giờ làm việc, thời gian làm việc
        làm việc tại nhà, làm việc từ xa, từ xa
        xe hơi, ô tô, xe ô tô
        điện thoại, di động, điện thoại di động
        máy tính, laptop, máy tính xách tay
        mật khẩu, mã khóa
        công tác, chuyến đi, đi công tác
        công tác phí, chi phí công tác
        thanh toán, hoàn tiền, hoàn trả
        chi phí, giá, phí, giá tiền
        ăn trưa, bữa trưa, bữa ăn
        thai sản, sinh con
        thưởng, tiền thưởng
        cuộc họp, buổi họp
        mất, thất lạc
        nhân viên, người lao động
        hợp đồng, thỏa thuận
        khách sạn, chỗ ở
        thú cưng, chó, mèo
        thuê, mượn
        phạt, tiền phạt
        bao lâu, kéo dài, thời gian
    """,
}
