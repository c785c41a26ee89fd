"""Mails as servers and people write them, for the tests of the mailbox reader."""

from __future__ import annotations

from typing import Final

from outreach.adapters.imap import RECEIVED, SENT, Kept, MailReader, keep
from outreach.domain.event import SystemEvent

__all__ = [
    "EXCHANGE",
    "EXIM",
    "GMAIL",
    "LEAD",
    "MARK",
    "OURS",
    "POSTFIX_PLAIN",
    "QMAIL",
    "arf",
    "dsn",
    "read",
    "read_sent",
    "reply",
]

OURS: Final = "ana@mail.example.com"
LEAD: Final = "ion@ferma.example.ro"
TOKEN: Final = "0192f0c1-1111-5222-8333-444455556666"
MARK: Final = f"<{TOKEN}@mail.example.com>"

_RETURNED: Final = f"""\
Message-ID: {MARK}
From: Ana <{OURS}>
To: {LEAD}
Subject: Irigare
References: <earlier@mail.example.com>
"""


def read(mail: str | bytes, *, mailbox: str = OURS) -> list[SystemEvent]:
    """What a mail in the inbox says."""
    return _read(mail, mailbox, RECEIVED)


def read_sent(mail: str | bytes, *, mailbox: str = OURS) -> list[SystemEvent]:
    """What a mail in the folder of sent mail says."""
    return _read(mail, mailbox, SENT)


def _read(mail: str | bytes, mailbox: str, folder: str) -> list[SystemEvent]:
    raw = mail.encode() if isinstance(mail, str) else mail
    return list(MailReader().read(keep(Kept(mailbox, folder, raw))))


def dsn(*groups: str, returned: str = _RETURNED, to: str = OURS) -> str:
    """A report by RFC 3464 with a group of fields for each recipient."""
    fields = "\n\n".join(groups)
    return f"""\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <report-1@mx.example.net>
Date: Tue, 01 Dec 2026 08:00:00 +0200
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Original-Envelope-Id: {TOKEN}

{fields}

--b1
Content-Type: text/rfc822-headers

{returned}
--b1--
"""


def arf(kind: str = "abuse", more: str = f"Original-Rcpt-To: <{LEAD}>") -> str:
    """An abuse report by RFC 5965."""
    return f"""\
From: <feedback@isp.example.net>
To: {OURS}
Subject: FW: Irigare
Message-ID: <feedback-1@isp.example.net>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="f1"

--f1
Content-Type: text/plain

This is an email abuse report.

--f1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
{more}

--f1
Content-Type: message/rfc822

{_RETURNED}
Bună ziua!

--f1--
"""


def reply(text: str = "Da, mă interesează.", *, head: str = "", body: str = "") -> str:
    """An answer of a person, or what looks like one."""
    return f"""\
From: Ion Popescu <{LEAD}>
To: Ana <{OURS}>
Subject: Re: Irigare
Message-ID: <answer-1@ferma.example.ro>
In-Reply-To: {MARK}
References: <root@mail.example.com> {MARK}
Date: Tue, 01 Dec 2026 10:00:00 +0200
{head}MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

{body or text}
"""


QMAIL: Final = f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.net
To: {OURS}
Subject: failure notice
Message-ID: <qmail-1@mx.example.net>

Hi. This is the qmail-send program at mx.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{LEAD}>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <{OURS}>
{_RETURNED}
Bună ziua!
"""
EXIM: Final = f"""\
Return-Path: <>
X-Failed-Recipients: {LEAD}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@host.example.net>
To: {OURS}
Subject: Mail delivery failed: returning message to sender
Message-ID: <exim-1@host.example.net>

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {LEAD}
    host mx.ferma.example.ro [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<{LEAD}>:
    550 No such user here

------ This is a copy of the message, including all the headers. ------

Return-path: <{OURS}>
{_RETURNED}
Bună ziua!
"""
EXCHANGE: Final = f"""\
Return-Path: <>
From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@ferma.ro>
To: {OURS}
Subject: Undeliverable: Irigare
In-Reply-To: {MARK}
References: {MARK}
Message-ID: <ndr-1@ferma.example.ro>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="x1"

--x1
Content-Type: text/html; charset="us-ascii"

<html><body><p>Delivery has failed to these recipients or groups:</p>
<p><a href="mailto:{LEAD}">{LEAD}</a><br>
The email address you entered couldn't be found.</p>
<p>Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found'</p>
<p>Original message headers:</p></body></html>
--x1--
"""
GMAIL: Final = dsn(
    f"""\
Final-Recipient: rfc822; {LEAD}
Action: failed
Status: 5.1.1
Remote-MTA: dns; gmail-smtp-in.l.google.com. (192.0.2.7, the server for the domain.)
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not
 exist. 550 5.1.1 Please try double-checking
Last-Attempt-Date: Tue, 01 Dec 2026 00:00:00 -0800 (PST)"""
).replace(
    "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>",
    "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\n"
    f"X-Failed-Recipients: {LEAD}\nIn-Reply-To: {MARK}\nReferences: {MARK}",
)
POSTFIX_PLAIN: Final = f"""\
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: {OURS}
Subject: Undelivered Mail Returned to Sender
Message-ID: <postfix-1@mx.example.net>

This is the mail system at host mx.example.net.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

For further assistance, please send mail to postmaster.

                   The mail system

<{LEAD}>: host mx.ferma.example.ro[192.0.2.1] said: 550 5.1.1
    <{LEAD}>: Recipient address rejected: User unknown (in reply to RCPT TO command)

Message-ID: {MARK}
To: {LEAD}
"""
