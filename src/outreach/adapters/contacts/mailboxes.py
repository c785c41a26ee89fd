"""Kinds of mailboxes and domains (data)."""

from __future__ import annotations

from typing import Final

__all__ = ["COUNTRY_ENDINGS", "DISPOSABLE", "ROLES"]

_ROLES: Final = """
    abuse accounting accounts achizitii admin administrare administrator admissions
    aprovizionare asistenta ask billing birou board booking bookings careers cereri
    comenzi comercial community compliance conducere consiliere contabilitate
    contact contracte customercare customerservice depozit desk dispecerat
    distribuitie distributie dpo editor email enquiries export facturare facturi
    feedback financiar finance ferma gdpr general hello help helpdesk hi home
    hostmaster hr import info informatii inquiries investors it itsupport jobs
    juridic kontakt legal logistica logistics mail mailbox manager management
    marketing media no-reply noc noreply oferta oferte office officeinfo operations
    operatiuni orders partners payments personal postmaster pr presa press privacy
    procurement productie production purchasing receptie reception recrutare
    recruitment relatii relatiiclienti relatiipublice rezervari resurseumane root
    sales salarizare secretar secretariat security service servicii shop sprijin
    staff stock subscribe suport support tech technical tehnic team transport usenet
    vanzari vinzari webmaster welcome www
"""
ROLES: Final = frozenset(_ROLES.split())
"""What stands before the @ of an office, English and Romanian."""

_DISPOSABLE: Final = """
    0-mail.com 10minutemail.co.za 10minutemail.com 10minutemail.net 1secmail.com
    1secmail.net 1secmail.org 20minutemail.com 33mail.com anonbox.net armyspy.com
    binkmail.com bobmail.info burnermail.io byom.de chammy.info cuvox.de dayrep.com
    deadaddress.com discard.email discardmail.com discardmail.de dispostable.com
    dodgeit.com dropmail.me e4ward.com einrot.com emailfake.com emailondeck.com
    emailsensei.com emailtemporario.com.br emltmp.com fakeinbox.com fakemail.net
    fakemailgenerator.com filzmail.com fleckens.hu getairmail.com getnada.com
    gishpuppy.com grr.la guerrillamail.biz guerrillamail.com guerrillamail.de
    guerrillamail.info guerrillamail.net guerrillamail.org guerrillamailblock.com
    gustr.com harakirimail.com incognitomail.com incognitomail.org inboxbear.com
    inboxkitten.com jetable.com jetable.net jetable.org jourrapide.com kasmail.com
    linshiyouxiang.net mail-temp.com mail-temporaire.fr mail.tm mailcatch.com
    maildrop.cc mailexpire.com mailforspam.com mailinator.com mailinator.net
    mailinator2.com mailmetrash.com mailmoat.com mailnesia.com mailnull.com
    mailpoof.com mailsac.com mailtemp.info mailtothis.com meltmail.com mintemail.com
    moakt.com mohmal.com mt2014.com mt2015.com muellmail.com mvrht.com
    my10minutemail.com mytemp.email mytrashmail.com nada.email nospamfor.us
    nowmymail.com objectmail.com owlymail.com pokemail.net proxymail.eu rcpt.at
    rhyta.com rmqkr.net safetymail.info sharklasers.com shitmail.me sneakemail.com
    sogetthis.com spam4.me spambog.com spambox.us spamex.com spamfree24.org
    spamgourmet.com spamhole.com spamspot.com superrito.com suremail.info
    teleworm.us temp-mail.io temp-mail.org temp-mail.ru tempail.com tempemail.net
    tempinbox.com tempmail.com tempmail.de tempmail.net tempmail.ninja tempmail.plus
    tempmailaddress.com tempmailo.com tempomail.fr temporarymail.com tempr.email
    thankyou2010.com throwam.com throwawaymail.com tmail.ws tmailinator.com
    tmpmail.net tmpmail.org trash-mail.at trash-mail.com trash-mail.de trashmail.at
    trashmail.com trashmail.de trashmail.io trashmail.me trashmail.net trashmail.ws
    trbvm.com wegwerfemail.de wegwerfmail.de wegwerfmail.net wegwerfmail.org
    wh4f.org yopmail.com yopmail.fr yopmail.net zetmail.com zippymail.info
"""
DISPOSABLE: Final = frozenset(_DISPOSABLE.split())
"""Domains of mailboxes that are thrown away after use, and all below them."""

_WORLDWIDE: Final = """
    ac ag ai am as bz cc cd cm co cx dj fm ga gf gg gl gq gs hm im io je la lc ly me
    ml ms mu nf nu pn pw sc sh so sr st sx tc tf tk tl to tv vc vg vu ws
"""
COUNTRY_ENDINGS: Final = {
    **dict.fromkeys(_WORLDWIDE.split(), ""),
    "uk": "GB",
    "eu": "",
    "su": "RU",
}
"""Endings that are not the code of the country their owner is in."""
