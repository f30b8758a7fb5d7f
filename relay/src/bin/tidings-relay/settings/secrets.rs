//! Where tokens and certificates come from.
//!
//! Invariant: what is kept of a secret's origin is the place, never the secret.

use std::path::{Path, PathBuf};

use anyhow::bail;
use tidings_relay::{Tls, TlsFiles, Token, TokensFile};

use super::{Line, Settings};
use crate::layers::{Layers, Origin, TOKEN_VARIABLE};

/// Whether connections are encrypted here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsChoice {
    Off,
    SelfSigned,
    Files(TlsFiles),
}

/// Where the shared token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenSource {
    Nowhere,
    Environment,
    File(PathBuf),
}

/// What was said about TLS.
pub(super) fn tls(layers: &Layers, problems: &mut Vec<String>) -> TlsChoice {
    let last = |name| layers.said(name).and_then(|said| said.texts.last());
    let own = last("tls_self_signed").is_some_and(|text| text == "true");
    let choice = match (last("tls_cert"), last("tls_key"), own) {
        (None, None, false) => TlsChoice::Off,
        (None, None, true) => TlsChoice::SelfSigned,
        (Some(certificate), Some(key), false) => TlsChoice::Files(TlsFiles {
            certificate: certificate.into(),
            key: key.into(),
        }),
        (Some(_), Some(_), true) => {
            problems.push(
                "tls_self_signed and tls_cert are both set: leave one of them out".to_owned(),
            );
            TlsChoice::Off
        }
        _ => {
            problems.push(
                "tls_cert and tls_key go together: set both, or tls_self_signed alone".to_owned(),
            );
            TlsChoice::Off
        }
    };
    if let TlsChoice::Files(files) = &choice
        && let Err(error) = Tls::read(files)
    {
        problems.push(error.to_string());
    }
    choice
}

/// Finds the shared token and the named ones.
pub(super) fn tokens(
    layers: &Layers,
    settings: &mut Settings,
    lines: &mut Vec<Line>,
    problems: &mut Vec<String>,
) {
    let file = layers.said("token_file");
    let variable = std::env::var_os(TOKEN_VARIABLE).is_some();
    // The variable holds the token itself, so it counts more than a file's mention of a file.
    let (source, origin) = match file {
        Some(said) if !variable || !matches!(said.origin, Origin::File(_)) => {
            let path = said.texts.last().cloned().unwrap_or_default();
            (TokenSource::File(path.into()), said.origin.to_string())
        }
        _ if variable => {
            let origin = Origin::Variable(TOKEN_VARIABLE.to_owned());
            (TokenSource::Environment, origin.to_string())
        }
        _ => (TokenSource::Nowhere, Origin::Default.to_string()),
    };
    let mut value = match &source {
        TokenSource::Nowhere => "none".to_owned(),
        TokenSource::Environment => "set (not shown)".to_owned(),
        TokenSource::File(path) => format!("in {} (not shown)", path.display()),
    };
    match source.read() {
        Ok(token) => settings.config.token = token,
        Err(error) => {
            problems.push(format!("{error:#}"));
            value = "of no use".to_owned();
        }
    }
    settings.token = source;
    lines.push(Line {
        name: "token",
        value,
        origin,
    });
    match TokensFile::of(&settings.data).read() {
        Ok(named) => {
            let names: Vec<_> = named.iter().map(|token| token.name.as_str()).collect();
            let value = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            lines.push(Line {
                name: "named tokens",
                value,
                origin: "data folder".to_owned(),
            });
            settings.config.named_tokens = named;
        }
        Err(error) => problems.push(error.to_string()),
    }
}

impl TokenSource {
    /// The token as it is there now.
    pub(crate) fn read(&self) -> anyhow::Result<Option<Token>> {
        let (text, place) = match self {
            Self::Nowhere => return Ok(None),
            Self::Environment => match std::env::var(TOKEN_VARIABLE) {
                Ok(text) => (text, TOKEN_VARIABLE.to_owned()),
                Err(_) => bail!("{TOKEN_VARIABLE} is of no use: set it to the token, or unset it"),
            },
            Self::File(path) => (
                read_text(path)?,
                format!("the token file {}", path.display()),
            ),
        };
        match Token::new(&text) {
            Ok(token) => Ok(Some(token)),
            Err(error) => bail!("{place} is of no use: {error}. Put one line with the token there"),
        }
    }
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        anyhow::anyhow!(
            "cannot read the token file {}: {error}. Check the path and its rights",
            path.display()
        )
    })
}
