//! Where the words of a setting come from: the command line, before the environment, before the
//! file, before the defaults. Knows texts only, not what they mean.
//!
//! Invariant: a secret is never among them; the token is read by `settings`, and not kept as text.

use std::{collections::BTreeMap, fmt, fs, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::ArgMatches;

use crate::keys::{Key, Kind, keys};

/// The variable that holds the shared token itself.
pub(crate) const TOKEN_VARIABLE: &str = "TIDINGS_TOKEN";

/// Where something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

/// What was said about a setting, by whoever counts most.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) texts: Vec<String>,
    pub(crate) origin: Origin,
}

/// All that was said.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    said: BTreeMap<&'static str, Said>,
    /// Variables that look like settings and are none.
    pub(crate) unknown_variables: Vec<String>,
}

impl Layers {
    /// Gathers them. `matches` is what the command line said.
    pub(crate) fn gather(matches: &ArgMatches) -> anyhow::Result<Self> {
        let mut layers = Self::default();
        let keys = keys();
        let path = matches
            .try_get_one::<PathBuf>("config")
            .ok()
            .flatten()
            .cloned()
            .or_else(|| std::env::var_os("TIDINGS_CONFIG").map(PathBuf::from));
        if let Some(path) = path {
            layers.read_file(&keys, path)?;
        }
        layers.read_environment(&keys)?;
        for key in &keys {
            // A subcommand takes only those that concern it.
            if let Ok(Some(values)) = matches.try_get_many::<String>(key.name) {
                let texts = values.cloned().collect();
                layers.say(key, texts, Origin::Flag(key.flag()));
            }
        }
        Ok(layers)
    }

    /// All defaults, as if somebody had said them.
    #[cfg(test)]
    pub(crate) fn of_defaults() -> Self {
        let mut layers = Self::default();
        for key in keys().iter().filter(|key| !key.default.is_empty()) {
            layers.say(key, vec![key.default.clone()], Origin::Default);
        }
        layers
    }

    pub(crate) fn said(&self, name: &str) -> Option<&Said> {
        self.said.get(name)
    }

    fn say(&mut self, key: &Key, texts: Vec<String>, origin: Origin) {
        self.said.insert(key.name, Said { texts, origin });
    }

    fn read_file(&mut self, keys: &[Key], path: PathBuf) -> anyhow::Result<()> {
        let shown = path.display();
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {shown}: check the path and its rights"))?;
        let table: toml::Table = toml::from_str(&text).with_context(|| {
            format!("{shown} is no TOML: mend this line, or start from `tidings-relay --help`")
        })?;
        for (name, value) in table {
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                let known: Vec<_> = keys.iter().map(|key| key.name).collect();
                bail!(
                    "{shown}: there is no setting {name}; remove it, or write one of these: {}",
                    known.join(", ")
                );
            };
            let texts = match value {
                toml::Value::Array(list) if key.kind == Kind::Many => {
                    list.iter().map(scalar).collect::<Option<Vec<_>>>()
                }
                one => scalar(&one).map(|text| vec![text]),
            };
            let texts = texts.with_context(|| {
                format!(
                    "{shown}: {name} is of the wrong type: write {name} = {}",
                    key.value
                )
            })?;
            self.say(key, texts, Origin::File(path.clone()));
        }
        Ok(())
    }

    fn read_environment(&mut self, keys: &[Key]) -> anyhow::Result<()> {
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with("TIDINGS_")) else {
                continue;
            };
            let Some(key) = keys.iter().find(|key| key.variable() == name) else {
                // The last is for `mail`.
                if ![TOKEN_VARIABLE, "TIDINGS_CONFIG", "TIDINGS_RELAY"].contains(&name) {
                    self.unknown_variables.push(name.to_owned());
                }
                continue;
            };
            let Some(value) = value.to_str() else {
                bail!("{name} is no UTF-8: set it anew, or unset it");
            };
            let texts = match key.kind {
                Kind::Many => value
                    .split(',')
                    .map(|one| one.trim().to_owned())
                    .filter(|one| !one.is_empty())
                    .collect(),
                Kind::One | Kind::Switch => vec![value.to_owned()],
            };
            self.say(key, texts, Origin::Variable(name.to_owned()));
        }
        Ok(())
    }
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}
