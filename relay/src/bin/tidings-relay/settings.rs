//! What the relay's settings mean: texts of [`Layers`] turned into types, with everything that is
//! wrong gathered and each value's origin kept for `check`.

mod parse;
mod secrets;

use std::{fmt, net::SocketAddr, path::PathBuf};

use anyhow::bail;
use tidings_relay::{Config, Dialects, Durability, WebPushOptions};

use self::parse::{contact, dialects, network, number, origin, seconds, truth, ttl};
pub(crate) use self::secrets::{TlsChoice, TokenSource};
use crate::{
    keys::keys,
    layers::{Layers, Origin},
};

/// The library that logs whole frames, tokens included, at its finest level.
pub(crate) const TALKATIVE: &str = "tungstenite";

/// What a run of the relay needs to know.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) bind: SocketAddr,
    pub(crate) data: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) tls: TlsChoice,
    pub(crate) log: String,
    pub(crate) log_json: bool,
    /// What push services are told; `None`: no push is offered.
    pub(crate) push: Option<WebPushOptions>,
    /// Where the shared token is, if there is one.
    pub(crate) token: TokenSource,
    /// The library's part, with the tokens in it.
    pub(crate) config: Config,
}

/// One setting, as it is.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) origin: String,
}

/// Settings together with how they came about.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) settings: Settings,
    pub(crate) lines: Vec<Line>,
    /// What keeps the relay from starting, and what to do about it.
    pub(crate) problems: Vec<String>,
    /// What it starts with all the same, but somebody should know.
    pub(crate) warnings: Vec<String>,
}

impl Read {
    /// The settings, if nothing is wrong.
    pub(crate) fn accept(mut self) -> anyhow::Result<Settings> {
        match self.problems.len() {
            0 => Ok(self.settings),
            1 => bail!(self.problems.remove(0)),
            _ => bail!(
                "the configuration is wrong:\n- {}",
                self.problems.join("\n- ")
            ),
        }
    }
}

/// Reads all settings.
pub(crate) fn read(layers: &Layers) -> Read {
    let mut reader = Reader {
        layers,
        lines: Vec::new(),
        problems: Vec::new(),
    };
    let mut settings = Settings {
        bind: SocketAddr::from(([127, 0, 0, 1], 9093)),
        data: PathBuf::from("tidings-relay-data"),
        durability: Durability::Os,
        tls: TlsChoice::Off,
        log: "info".to_owned(),
        log_json: false,
        push: Some(WebPushOptions::default()),
        token: TokenSource::Nowhere,
        config: Config::default(),
    };
    reader.read_into(&mut settings);
    let Reader {
        mut lines,
        mut problems,
        ..
    } = reader;
    secrets::tokens(layers, &mut settings, &mut lines, &mut problems);
    settings.tls = secrets::tls(layers, &mut problems);
    let warnings = judge(&settings, layers, &mut problems);
    Read {
        settings,
        lines,
        problems,
        warnings,
    }
}

struct Reader<'a> {
    layers: &'a Layers,
    lines: Vec<Line>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn read_into(&mut self, settings: &mut Settings) {
        let Config { timing, bounds, .. } = &mut settings.config;
        self.one("bind", &mut settings.bind, |text| {
            text.parse()
                .map_err(|_| "no address: write for example 0.0.0.0:9093".to_owned())
        });
        self.one("data", &mut settings.data, |text| Ok(text.into()));
        self.one("durability", &mut settings.durability, |text| match text {
            "os" => Ok(Durability::Os),
            "disk" => Ok(Durability::Disk),
            _ => Err("not known: write os or disk".to_owned()),
        });
        self.one("queue_messages", &mut bounds.queue_messages, number);
        self.one("queue_bytes", &mut bounds.queue_bytes, number);
        self.one("store_bytes", &mut bounds.store_bytes, number);
        self.one("ttl", &mut timing.ttl, ttl);
        for (name, time) in [
            ("auth_timeout", &mut timing.auth),
            ("request_timeout", &mut timing.request),
            ("wait", &mut timing.wait),
            ("http_wait", &mut timing.http_wait),
            ("retry", &mut timing.retry),
            ("retry_max", &mut timing.retry_max),
            ("shutdown_timeout", &mut timing.shutdown),
        ] {
            self.one(name, time, seconds);
        }
        let (mut offered, mut push) = (true, WebPushOptions::default());
        self.one("push", &mut offered, truth);
        self.one("push_contact", &mut push.contact, contact);
        self.one("push_private", &mut push.private, truth);
        self.one("push_ca", &mut push.ca, |text| Ok(Some(text.into())));
        settings.push = offered.then_some(push);
        self.one("connections", &mut bounds.connections, number);
        self.one(
            "connections_per_address",
            &mut bounds.connections_per_address,
            number,
        );
        self.one(
            "requests_per_second",
            &mut bounds.requests_per_second,
            number,
        );
        self.one("requests_at_once", &mut bounds.requests_at_once, number);
        self.one("clients", &mut bounds.clients, number);
        self.one("window", &mut bounds.window, number);
        self.many("allow_origin", &mut settings.config.allowed_origins, origin);
        self.many(
            "trusted_forwarder",
            &mut settings.config.trusted_forwarders,
            network,
        );
        let mut lists = Vec::new();
        self.many("dialects", &mut lists, dialects);
        if self.layers.said("dialects").is_some() {
            settings.config.dialects = Dialects::only(&lists.concat());
        }
        // Understood together, by `tls`; a path is whatever it is.
        let mut ignored = String::new();
        for path in ["tls_cert", "tls_key"] {
            self.one(path, &mut ignored, |text| Ok(text.to_owned()));
        }
        self.one("tls_self_signed", &mut false, truth);
        self.one("log", &mut settings.log, |text| {
            let level = text.parse::<tracing::level_filters::LevelFilter>().is_ok();
            // With a `=` it is for those who know the program's inside.
            let directive =
                text.contains('=') && tracing_subscriber::EnvFilter::try_new(text).is_ok();
            if text.contains(TALKATIVE) {
                Err(format!(
                    "not taken: {TALKATIVE} logs whole packets, tokens included"
                ))
            } else if level || directive {
                Ok(text.to_owned())
            } else {
                Err("not known: write error, warn, info or debug".to_owned())
            }
        });
        self.one("log_format", &mut settings.log_json, |text| match text {
            "text" => Ok(false),
            "json" => Ok(true),
            _ => Err("not known: write text or json".to_owned()),
        });
    }

    /// Reads a setting of one value into `target`, which holds its default.
    fn one<T>(
        &mut self,
        name: &'static str,
        target: &mut T,
        parse: impl Fn(&str) -> Result<T, String>,
    ) {
        let mut list = Vec::new();
        self.many(name, &mut list, parse);
        // The last one counts, as with most programs.
        if let Some(value) = list.pop() {
            *target = value;
        }
    }

    fn many<T>(
        &mut self,
        name: &'static str,
        target: &mut Vec<T>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) {
        let Some(said) = self.layers.said(name) else {
            let default = keys().into_iter().find(|key| key.name == name);
            self.line(
                name,
                default.map_or(String::new(), |key| key.default),
                &Origin::Default,
            );
            return;
        };
        for text in &said.texts {
            match parse(text) {
                Ok(value) => target.push(value),
                Err(wrong) => self
                    .problems
                    .push(format!("{name} ({}): {text:?} is {wrong}", said.origin)),
            }
        }
        self.line(name, said.texts.join(", "), &said.origin);
    }

    fn line(&mut self, name: &'static str, value: String, origin: &dyn fmt::Display) {
        let origin = origin.to_string();
        self.lines.push(Line {
            name,
            value,
            origin,
        });
    }
}

/// What is wrong with the whole, although each part is right.
fn judge(settings: &Settings, layers: &Layers, problems: &mut Vec<String>) -> Vec<String> {
    let mut warnings = Vec::new();
    let Config {
        token,
        named_tokens,
        timing,
        bounds,
        ..
    } = &settings.config;
    let open = token.is_none() && named_tokens.is_empty();
    let reachable = !settings.bind.ip().is_loopback();
    if open && reachable && settings.token == TokenSource::Nowhere {
        problems.push(format!(
            "{} can be reached from other computers, so the relay needs a token. Make one with \
             `head -c 24 /dev/urandom | base64 > token` and add `--token-file token`, or listen on \
             127.0.0.1 only",
            settings.bind
        ));
    }
    if timing.retry > timing.retry_max {
        problems.push("retry is longer than retry_max: make it shorter".to_owned());
    }
    if timing.retry.is_zero() {
        problems.push("retry is 0: messages would be sent without a pause; make it 3".to_owned());
    }
    if let Some(ca) = settings.push.as_ref().and_then(|push| push.ca.as_ref())
        && let Err(error) = std::fs::File::open(ca)
    {
        problems.push(format!(
            "push_ca cannot be read: {}: {error}. Give a file of certificates (PEM), or leave it out",
            ca.display()
        ));
    }
    if reachable && settings.tls == TlsChoice::Off {
        warnings.push(
            "tokens and messages cross the network as plain text: set tls_cert and tls_key or \
             tls_self_signed, or put a proxy that speaks TLS in front"
                .to_owned(),
        );
    }
    for (name, zero) in [
        ("connections", bounds.connections == 0),
        (
            "connections_per_address",
            bounds.connections_per_address == 0,
        ),
        ("requests_per_second", bounds.requests_per_second == 0),
        ("requests_at_once", bounds.requests_at_once == 0),
        ("window", bounds.window == 0),
    ] {
        if zero {
            problems.push(format!(
                "{name} is 0, so nothing would work: make it at least 1"
            ));
        }
    }
    for name in &layers.unknown_variables {
        warnings.push(format!(
            "{name} in the environment is no setting of the relay"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_read_and_its_default_is_what_the_help_says() {
        let silent = read(&Layers::default());
        let names: Vec<_> = silent.lines.iter().map(|line| line.name).collect();
        for key in keys().iter().filter(|key| key.name != "token_file") {
            let times = names.iter().filter(|name| **name == key.name).count();
            assert_eq!(times, 1, "{}", key.name);
        }
        // Said aloud, the defaults change nothing.
        let said = read(&Layers::of_defaults());
        assert_eq!(said.problems, [""; 0]);
        let [said, silent] = [said, silent].map(|read| format!("{:?}", read.settings));
        assert_eq!(said, silent);
    }
}
