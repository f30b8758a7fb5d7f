//! A one-time code in a message's text, for a button that copies it. Pure.
//!
//! Careful by intent: a button with the wrong number costs trust, a missing one only a selection by
//! hand. A number is a code when the same sentence calls it one, in a language we know, and does not
//! call it something else (an exit code, a postal code, an order). Where two numbers could be meant,
//! the nearest to the word is; an amount, a date, a time, a version, part of a longer number or of an
//! address is none.

/// Characters that are looked at: codes stand at the beginning.
const LOOKED_AT: usize = 2000;

/// Digits or letters of a code.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=8;

/// Bytes between the word and its code at most: about a short clause.
const NEAR: usize = 60;

/// What calls a number a code. Lower case.
const CALLED: &[&str] = &[
    "one-time password",
    "one-time code",
    "one time password",
    "one time code",
    "one-time pin",
    "verification code",
    "verification pin",
    "verify code",
    "security code",
    "login code",
    "log-in code",
    "sign-in code",
    "sign in code",
    "access code",
    "authentication code",
    "auth code",
    "authorization code",
    "confirmation code",
    "passcode",
    "pass code",
    "otp",
    "2fa",
    "two-factor",
    "code",
    "pin",
    "tan",
    // German, French, Spanish, Portuguese, Italian.
    "bestätigungscode",
    "sicherheitscode",
    "einmalpasswort",
    "einmalkennwort",
    "anmeldecode",
    "zugangscode",
    "code de vérification",
    "code de sécurité",
    "código",
    "codigo",
    "codice",
    // Chinese.
    "验证码",
    "校验码",
    "动态码",
    "动态密码",
    "确认码",
    "安全码",
    "一次性密码",
    "驗證碼",
];

/// Words that make the code after them another kind of code. Looked for right before "code".
const OTHER_CODES: &[&str] = &[
    "exit",
    "error",
    "status",
    "return",
    "response",
    "http",
    "zip",
    "postal",
    "post",
    "area",
    "country",
    "promo",
    "promotion",
    "discount",
    "coupon",
    "voucher",
    "qr",
    "bar",
    "source",
    "product",
    "tracking",
    "tax",
    "sort",
    "swift",
    "bank",
    "machine",
    "byte",
    "op",
    "key",
    "reason",
    "result",
    "dress",
    "building",
    "review",
    "colour",
    "color",
    "failure",
    "fault",
    "exited with",
    "fehler",
    "statut",
    "d'erreur",
    "de error",
    "di errore",
    "错误",
    "状态",
    "返回",
    "退出",
    "邮政",
    "邮",
];

/// Words right after "code" that make it another kind.
const OTHER_USES: &[&str] = &[
    "review",
    "coverage",
    "base",
    "freeze",
    "change",
    "owner",
    "path",
    "smell",
    "quality",
    "style",
    "size",
    "length",
    "lines",
    "of conduct",
];

/// Words and marks right before a number that make it something else.
const NOT_AFTER: &[&str] = &[
    "#",
    "$",
    "€",
    "£",
    "¥",
    "+",
    "order",
    "invoice",
    "ticket",
    "issue",
    "pr",
    "version",
    "v",
    "port",
    "build",
    "line",
    "usd",
    "eur",
    "no.",
    "nr.",
    "number",
    "ending in",
    "ending",
    "尾号",
    "订单",
    "version.",
    "=",
    "/",
    "account",
];

/// Words right after a number that make it something else.
const NOT_BEFORE: &[&str] = &[
    "%", "usd", "eur", "cny", "dollar", "euro", "$", "€", "元", "minutes", "minute", "mins", "min",
    "seconds", "second", "hours", "hour", "days", "files", "lines", "tests", "errors", "times",
    "bytes", "kb", "mb", "gb", "ms", "分钟", "秒", "小时", "个", "次",
];

/// A number in a text, and where it stands (bytes).
#[derive(Debug)]
struct Candidate {
    start: usize,
    end: usize,
    code: String,
}

/// The code in this title and body, if there is one beyond reasonable doubt. Without the space or the
/// hyphen in the middle that eases reading.
pub(crate) fn find(title: &str, body: &str) -> Option<String> {
    let text: String = format!("{title}\n{body}").chars().take(LOOKED_AT).collect();
    sentences(&text).find_map(in_sentence)
}

/// A title and the body's first sentence belong together ("Your code\n123456"), so a line break
/// parts only after a mark that ends a sentence, or where it is a paragraph's.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len();
        let mut chars = rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            let ends = matches!(c, '。' | '！' | '？')
                || (matches!(c, '.' | '!' | '?') && next.is_none_or(char::is_whitespace))
                || (c == '\n' && next == Some('\n'));
            if ends {
                end = at + c.len_utf8();
                break;
            }
        }
        let (sentence, after) = rest.split_at(end);
        rest = after;
        Some(sentence)
    })
}

fn in_sentence(sentence: &str) -> Option<String> {
    let lower = sentence.to_lowercase();
    // Some letters change their length; then the places below would not match.
    if lower.len() != sentence.len() {
        return None;
    }
    let words = called(&lower);
    if words.is_empty() {
        return None;
    }
    let mut best: Option<(usize, String)> = None;
    for candidate in candidates(sentence) {
        if is_something_else(&lower, &candidate) {
            continue;
        }
        let distance = words
            .iter()
            .map(|(start, end)| {
                if candidate.start >= *end {
                    candidate.start - end
                } else {
                    // Before the word only as in "123456 is your code": a little less near.
                    start.saturating_sub(candidate.end) + 1
                }
            })
            .min()
            .unwrap_or(usize::MAX);
        if distance <= NEAR && best.as_ref().is_none_or(|(least, _)| distance < *least) {
            best = Some((distance, candidate.code));
        }
    }
    best.map(|(_, code)| code)
}

/// Where the sentence speaks of a code for a person.
fn called(lower: &str) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for word in CALLED {
        for (start, _) in lower.match_indices(word) {
            let end = start + word.len();
            let (before, after) = (
                lower.get(..start).unwrap_or_default(),
                lower.get(end..).unwrap_or_default(),
            );
            if word.is_ascii() && (ends_in_letter(before) || starts_with_letter(after)) {
                continue;
            }
            let before = before.trim_end_matches([' ', '-']);
            let after = after.trim_start();
            if OTHER_CODES
                .iter()
                .any(|other| ends_with_word(before, other))
                || OTHER_USES.iter().any(|other| after.starts_with(other))
            {
                continue;
            }
            places.push((start, end));
        }
    }
    places
}

fn ends_in_letter(text: &str) -> bool {
    text.chars()
        .next_back()
        .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn starts_with_letter(text: &str) -> bool {
    text.chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word)
        .is_some_and(|before| !word.is_ascii() || !ends_in_letter(before))
}

/// Everything in the sentence that has the shape of a code.
fn candidates(sentence: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut at = 0;
    for run in sentence.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        let start = at;
        // The separator that follows is as long as its character.
        at += run.len();
        at += sentence
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8);
        let end = start + run.len();
        if let Some(code) = shape(run) {
            found.push(Candidate { start, end, code });
        } else if run.len() == 3 && run.bytes().all(|b| b.is_ascii_digit()) {
            // "123 456"
            let second = sentence.get(end..).and_then(|rest| rest.strip_prefix(' '));
            let second: String = second
                .unwrap_or_default()
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
                .collect();
            if second.len() == 3 && second.bytes().all(|b| b.is_ascii_digit()) {
                let end = end + 1 + second.len();
                let code = format!("{run}{second}");
                found.push(Candidate { start, end, code });
            }
        }
    }
    found
}

/// Digits, perhaps in two equal halves or behind a letter and a hyphen as one large provider writes
/// them; or capitals and digits mixed.
fn shape(run: &str) -> Option<String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits(run) && LENGTH.contains(&run.len()) {
        return Some(run.to_owned());
    }
    if let Some((first, second)) = run.split_once('-') {
        if first.len() == 1 && first.bytes().all(|b| b.is_ascii_uppercase()) && digits(second) {
            return (second.len() == 6).then(|| second.to_owned());
        }
        let halves = first.len() == second.len() && (3..=4).contains(&first.len());
        let capitals = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        };
        let mixed = capitals(first) && capitals(second);
        if halves && mixed && run.bytes().any(|b| b.is_ascii_digit()) {
            // Letters and digits are asked for as they stand.
            return Some(if digits(first) && digits(second) {
                format!("{first}{second}")
            } else {
                run.to_owned()
            });
        }
        return None;
    }
    let capitals = run
        .bytes()
        .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    let both =
        run.bytes().any(|b| b.is_ascii_digit()) && run.bytes().any(|b| b.is_ascii_uppercase());
    (capitals && both && (6..=8).contains(&run.len())).then(|| run.to_owned())
}

fn is_something_else(lower: &str, candidate: &Candidate) -> bool {
    let before = lower.get(..candidate.start).unwrap_or_default();
    let after = lower.get(candidate.end..).unwrap_or_default();
    // Part of something longer: a price, a time, a version, a telephone number, an address.
    let joined_before = before
        .strip_suffix(['.', ',', ':', '/', '_', '+', '@', '&', '?'])
        .is_some_and(|rest| !rest.ends_with(char::is_whitespace) && !rest.ends_with(is_sign));
    let joined_after = after
        .strip_prefix(['.', ',', ':', '/', '_', '@', '&', '='])
        .is_some_and(starts_with_letter);
    let spaced = |c: char| c == ' ' || c == '-';
    let number_before = before
        .strip_suffix(spaced)
        .is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_digit()));
    let number_after = after
        .strip_prefix(spaced)
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if joined_before && !before.ends_with(": ") && !is_label(before) || joined_after {
        return true;
    }
    if number_before || number_after {
        return true;
    }
    let before = before.trim_end();
    let after = after.trim_start();
    NOT_AFTER.iter().any(|word| ends_with_word(before, word))
        || NOT_BEFORE.iter().any(|word| {
            after
                .strip_prefix(word)
                .is_some_and(|rest| !word.is_ascii() || !starts_with_letter(rest))
        })
}

fn is_sign(c: char) -> bool {
    matches!(c, ':' | '：' | '>' | '*' | '`' | '(' | '[')
}

/// "code:123456", with nothing between: the colon belongs to the word.
fn is_label(before: &str) -> bool {
    before.strip_suffix(':').is_some_and(|label| {
        label
            .chars()
            .next_back()
            .is_some_and(|c| !c.is_ascii_digit())
            && !label.ends_with("http")
            && !label.ends_with("https")
    })
}

#[cfg(test)]
mod tests;
