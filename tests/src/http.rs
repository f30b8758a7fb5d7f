//! Sending as scripts do: with the real curl.

use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use crate::home::Home;
use crate::process;

/// The command that sends `title` and `body` to `name` by `GET /NAME.send`.
#[must_use]
pub fn curl(home: &Home, port: u16, token: &str, name: &str, title: &str, body: &str) -> Command {
    let mut curl = home.command("curl");
    curl.args(["--silent", "--show-error", "--max-time", "20", "--get"]);
    curl.arg("--header").arg(format!("Authorization: {token}"));
    curl.arg("--data-urlencode").arg(format!("text={title}"));
    curl.arg("--data-urlencode").arg(format!("desp={body}"));
    curl.arg(format!("http://127.0.0.1:{port}/{name}.send"));
    curl
}

/// Sends so, and gives the relay's answer.
///
/// # Errors
/// When curl fails, or the answer is no JSON.
pub async fn send(
    home: &Home,
    port: u16,
    token: &str,
    name: &str,
    title: &str,
    body: &str,
) -> anyhow::Result<Value> {
    let curl = curl(home, port, token, name, title, body);
    let answer = process::run(home, "curl", curl).await?;
    serde_json::from_str(&answer).with_context(|| format!("the relay answered {answer:?}"))
}

/// Sends so with whatever fields; `text`, `desp` and `wait` mean what they mean to the relay, others
/// arrive in `extra`.
///
/// # Errors
/// As [`send`].
pub async fn send_fields(
    home: &Home,
    port: u16,
    token: &str,
    name: &str,
    fields: &[(&str, &str)],
) -> anyhow::Result<Value> {
    let mut curl = home.command("curl");
    curl.args(["--silent", "--show-error", "--max-time", "20", "--get"]);
    curl.arg("--header").arg(format!("Authorization: {token}"));
    for (field, value) in fields {
        curl.arg("--data-urlencode").arg(format!("{field}={value}"));
    }
    curl.arg(format!("http://127.0.0.1:{port}/{name}.send"));
    let answer = process::run(home, "curl", curl).await?;
    serde_json::from_str(&answer).with_context(|| format!("the relay answered {answer:?}"))
}

/// The status of a recipient in a MESSAGE_REPLY; empty where it has none.
#[must_use]
pub fn status<'a>(reply: &'a Value, name: &str) -> &'a str {
    let status = reply.pointer("/data/status").and_then(|s| s.get(name));
    status.and_then(Value::as_str).unwrap_or_default()
}
