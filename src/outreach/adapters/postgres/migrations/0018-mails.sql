-- An answer to a mail names the mail it answers.
CREATE INDEX attempts_mail ON attempts (thread) WHERE thread LIKE '<%';
