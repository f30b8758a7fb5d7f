//! `mail NAME`: a message as programs give it to `sendmail`, read from standard input and posted to a
//! relay. For cron and other programs that can report by mail only.
//!
//! Invariants: nothing is written to standard output, which such programs would mail again; what is
//! too long is cut rather than lost; the token is never an argument.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use mail_parser::{HeaderValue, MessageParser};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use tidings_protocol::{Target, limits};
use tidings_relay::{Destination, Token};
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig},
};

use crate::layers::TOKEN_VARIABLE;

/// What is read of a message; attachments make them large, text does not.
const READ_BYTES: u64 = 32 * 1024 * 1024;
/// What is sent of its text: JSON may need six bytes for one, and the relay takes a mebibyte.
const TEXT_BYTES: usize = limits::FRAME_BYTES / 8;
/// What is sent of a subject.
const TITLE_CHARS: usize = 500;
/// How long the relay may take. Cron waits for its mailer.
const PATIENCE: Duration = Duration::from_secs(30);
/// sendmail's exit code for "try again later" (sysexits.h, EX_TEMPFAIL).
const TRY_AGAIN: u8 = 75;

const HELP: &str = "\
The subject becomes the title (without one, who it is from does), the text the body; attachments are \
left out. What is no message but plain text is sent as the body.

Examples:
  A job of cron, whose output is sent to ann when there is any:
      0 3 * * * backup 2>&1 | tidings-relay mail ann --if-any --subject 'Backup'
  All of cron's mails, where its mailer can be chosen (cronie): crond -m 'tidings-relay mail ann'

The relay takes the token of TIDINGS_TOKEN or of --token-file.

Exit codes: 0 taken by the relay, 75 not now (try again), 1 not at all";

pub(super) fn command() -> Command {
    Command::new("mail")
        .about("Reads a mail on standard input, as sendmail does, and sends it as a message")
        .after_help(HELP)
        .arg(
            Arg::new("to")
                .value_name("NAME|@GROUP")
                .required(true)
                .help("Whom to send it to"),
        )
        .arg(
            Arg::new("relay")
                .long("relay")
                .value_name("URL")
                .env("TIDINGS_RELAY")
                .default_value("http://127.0.0.1:9093")
                .help("The relay's address, http:// or https://"),
        )
        .arg(
            Arg::new("token_file")
                .long("token-file")
                .value_name("FILE")
                .env("TIDINGS_TOKEN_FILE")
                .value_parser(value_parser!(PathBuf))
                .help("A file that holds the token; without it, TIDINGS_TOKEN is the token"),
        )
        .arg(
            Arg::new("ca")
                .long("ca")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("A certificate (PEM) to trust, and no other, such as a relay's own"),
        )
        .arg(
            Arg::new("subject")
                .long("subject")
                .value_name("TEXT")
                .help("The title, where the text brings no subject"),
        )
        .arg(
            Arg::new("if_any")
                .long("if-any")
                .action(ArgAction::SetTrue)
                .help("Sends nothing where there is no text"),
        )
}

/// Runs it.
pub(crate) fn mail(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let text = |name| matches.get_one::<String>(name).map(String::as_str);
    let to: Destination = text("to")
        .unwrap_or_default()
        .parse()
        .context("nobody could be called that")?;
    let mut read = Vec::new();
    std::io::stdin()
        .take(READ_BYTES)
        .read_to_end(&mut read)
        .context("cannot read standard input")?;
    let letter = Letter::read(&read, text("subject").unwrap_or_default());
    if letter.body.trim().is_empty() && matches.get_flag("if_any") {
        return Ok(ExitCode::SUCCESS);
    }
    let relay = text("relay").unwrap_or_default().trim_end_matches('/');
    let token = token(
        matches
            .get_one::<PathBuf>("token_file")
            .map(PathBuf::as_path),
    )?;
    let agent = agent(matches.get_one::<PathBuf>("ca").map(PathBuf::as_path))?;
    post(&agent, &url(relay, &to), token.as_ref(), &letter)
}

fn url(relay: &str, to: &Destination) -> String {
    let suffix = match to.target() {
        Target::Personal(_) => "send",
        Target::Group(_) => "group",
    };
    let name = utf8_percent_encode(to.target().as_str(), NON_ALPHANUMERIC);
    format!("{relay}/{name}.{suffix}?wait=0")
}

fn token(file: Option<&Path>) -> anyhow::Result<Option<Token>> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the token file {}", path.display()))?,
        None => match std::env::var(TOKEN_VARIABLE) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    Token::new(&text)
        .map(Some)
        .context("the token is of no use")
}

fn agent(ca: Option<&Path>) -> anyhow::Result<Agent> {
    let roots = match ca {
        None => RootCerts::PlatformVerifier,
        Some(path) => {
            let pem = std::fs::read(path)
                .with_context(|| format!("cannot read the certificate {}", path.display()))?;
            let certificate = Certificate::from_pem(&pem)
                .map_err(|error| anyhow!("{} is no certificate: {error}", path.display()))?;
            RootCerts::from(vec![certificate])
        }
    };
    let tls = TlsConfig::builder()
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        // The token goes to the relay that was named, and to nobody it names.
        .max_redirects(0)
        .tls_config(tls)
        .build();
    Ok(config.into())
}

fn post(
    agent: &Agent,
    url: &str,
    token: Option<&Token>,
    letter: &Letter,
) -> anyhow::Result<ExitCode> {
    let mut request = agent.post(url).content_type("application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {}", token.expose()));
    }
    let answer = match request.send(letter.json().to_string()) {
        Ok(answer) => answer,
        Err(error) => {
            eprint(&format!("the relay was not reached: {error}"));
            return Ok(ExitCode::from(TRY_AGAIN));
        }
    };
    let status = answer.status().as_u16();
    let said = answer
        .into_body()
        .into_with_config()
        .limit(limits::FRAME_BYTES as u64)
        .read_to_string()
        .unwrap_or_default();
    match status {
        200..=299 => Ok(ExitCode::SUCCESS),
        408 | 429 | 500..=599 => {
            eprint(&format!("the relay answers {status}: {}", words(&said)));
            Ok(ExitCode::from(TRY_AGAIN))
        }
        _ => bail!("the relay answers {status}: {}", words(&said)),
    }
}

/// The words of an INFO, or what came instead.
fn words(said: &str) -> String {
    let packet: Value = serde_json::from_str(said).unwrap_or_default();
    let info = packet.get("data").and_then(Value::as_str);
    info.unwrap_or(said).chars().take(1000).collect()
}

fn eprint(text: &str) {
    use std::io::Write as _;
    // Nobody is left to tell if this fails.
    let _ = writeln!(std::io::stderr(), "tidings-relay: {text}");
}

/// What is sent of a mail.
#[derive(Debug, Default, PartialEq)]
struct Letter {
    title: String,
    body: String,
    from: String,
}

impl Letter {
    /// `subject` is the title of what brings none.
    fn read(read: &[u8], subject: &str) -> Self {
        let mail = MessageParser::default().parse(read).filter(|mail| {
            // Text of any kind can be read as a mail; one that somebody wrote says what it is.
            mail.subject().is_some() || mail.from().is_some()
        });
        let Some(mail) = mail else {
            return Self {
                title: cut_title(subject),
                body: cut(String::from_utf8_lossy(read).trim_end()),
                from: String::new(),
            };
        };
        let from = match mail.header("From") {
            Some(HeaderValue::Address(address)) => address.first().map(|first| {
                let address = first.address().unwrap_or_default();
                match first.name() {
                    Some(name) => format!("{name} <{address}>"),
                    None => address.to_owned(),
                }
            }),
            _ => None,
        }
        .unwrap_or_default();
        let title = [mail.subject().unwrap_or_default(), subject, &from]
            .into_iter()
            .find(|title| !title.trim().is_empty());
        let text = mail.body_text(0).unwrap_or_default();
        Self {
            title: cut_title(title.unwrap_or_default()),
            body: cut(text.trim_end()),
            from,
        }
    }

    fn json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("text".to_owned(), self.title.as_str().into());
        fields.insert("desp".to_owned(), self.body.as_str().into());
        if !self.from.is_empty() {
            fields.insert("from".to_owned(), self.from.as_str().into());
        }
        json!(fields)
    }
}

fn cut_title(title: &str) -> String {
    let line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(TITLE_CHARS).collect()
}

fn cut(text: &str) -> String {
    if text.len() <= TEXT_BYTES {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(TEXT_BYTES);
    let (kept, left) = text.split_at(end);
    format!("{kept}\n\n({} bytes more were cut off)", left.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_becomes_title_body_and_sender() {
        let mail = b"From: =?utf-8?q?J=C3=BCrgen?= <root@host.example>\nTo: ann\n\
                     Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\n aus dem Norden\nMIME-Version: 1.0\n\
                     Content-Type: text/plain; charset=utf-8\n\
                     Content-Transfer-Encoding: quoted-printable\n\n2 =C3=A4pfel\n=E2=82=AC\n";
        let letter = Letter::read(mail, "unused");
        let expected = Letter {
            title: "Grüße aus dem Norden".to_owned(),
            body: "2 äpfel\n€".to_owned(),
            from: "Jürgen <root@host.example>".to_owned(),
        };
        assert_eq!(letter, expected);
        // As cron writes it.
        let cron =
            b"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@nas> backup\n\nfailed\n";
        let letter = Letter::read(cron, "");
        assert_eq!(
            (letter.title.as_str(), letter.body.as_str()),
            ("Cron <root@nas> backup", "failed")
        );
        let parts = b"Subject: s\nContent-Type: multipart/alternative; boundary=B\n\n\
                      --B\nContent-Type: text/html\n\n<p>no</p>\n--B\nContent-Type: text/plain\n\nyes\n--B--\n";
        assert!(Letter::read(parts, "").body.contains("yes"));
        let page = b"Subject: s\nContent-Type: text/html\n\n<p>one &amp; two</p>";
        assert_eq!(Letter::read(page, "").body.trim(), "one & two");
    }

    #[test]
    fn text_that_is_no_mail_is_the_body() {
        let letter = Letter::read(b"error: disk full\nat: /dev/sda\n", "Backup");
        assert_eq!(
            (letter.title.as_str(), letter.body.as_str()),
            ("Backup", "error: disk full\nat: /dev/sda")
        );
        assert_eq!(
            Letter::read(b"", "").json(),
            json!({"text": "", "desp": ""})
        );
        assert_eq!(Letter::read(b"Subject: only\n\n", "x").title, "only");
        assert_eq!(
            Letter::read(b"From: a@b.example\n\nx", "").title,
            "a@b.example"
        );
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let letter = Letter::read("ü".repeat(TEXT_BYTES).as_bytes(), &"t".repeat(9000));
        assert!(letter.body.ends_with("bytes more were cut off)"));
        assert_eq!(letter.title.len(), TITLE_CHARS);
        assert!(letter.json().to_string().len() < limits::FRAME_BYTES);
    }

    #[test]
    fn names_are_escaped_in_the_path() {
        let url = |to: &str| url("http://h:1", &to.parse().unwrap());
        assert_eq!(url("ann"), "http://h:1/ann.send?wait=0");
        assert_eq!(url("@a/b"), "http://h:1/a%2Fb.group?wait=0");
        assert_eq!(url("x?y"), "http://h:1/x%3Fy.send?wait=0");
    }
}
