//! The export: received messages as JSON Lines, in a file that is new.
//!
//! Owns the line's shape (shared with the command line) and the file. Invariants: messages are read
//! page by page, so that memory does not grow with the inbox; no file is replaced; half a file does
//! not stay.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::inbox::Inbox;
use crate::types::{Exported, Failure, Filter};
use crate::words::Wrong;

/// Messages read at once.
const PAGE: u32 = 200;

/// Names tried for the file: more than anybody keeps beside each other.
const NAMES: u32 = 1000;

/// A message as a line, without the line's end: its fields, with `extra` as the sender wrote it.
///
/// # Errors
/// None for what the inbox gives.
pub fn line(message: &Exported) -> serde_json::Result<String> {
    let mut value = serde_json::to_value(message)?;
    let extra = serde_json::from_str::<serde_json::Value>(&message.extra);
    if let (Some(fields), Ok(extra)) = (value.as_object_mut(), extra) {
        fields.insert("extra".to_owned(), extra);
    }
    serde_json::to_string(&value)
}

/// Writes what a filter asks for into a new file in `folder`; gives its path, and how many messages
/// are in it.
pub(crate) async fn to_folder(
    inbox: &Inbox,
    filter: &Filter,
    folder: &Path,
) -> Result<(PathBuf, u32), Failure> {
    let (path, file) = new_file(folder).map_err(|error| failed(folder, &error))?;
    let written = write(inbox, filter, file, &path).await;
    if written.is_err() {
        let _ = std::fs::remove_file(&path);
    }
    Ok((path, written?))
}

async fn write(inbox: &Inbox, filter: &Filter, file: File, path: &Path) -> Result<u32, Failure> {
    let mut file = BufWriter::new(file);
    let (mut count, mut before) = (0, None);
    loop {
        let page = inbox.exported(filter, before, PAGE).await?;
        before = page.last().map(|message| message.id);
        count += u32::try_from(page.len()).unwrap_or(u32::MAX);
        let ended = page.is_empty();
        // A disk may be slow; the agent's other tasks do not wait for it.
        let piece = tokio::task::spawn_blocking(move || -> io::Result<_> {
            for message in &page {
                writeln!(file, "{}", line(message)?)?;
            }
            if ended {
                file.flush()?;
            }
            Ok(file)
        });
        file = match piece.await {
            Ok(Ok(file)) => file,
            Ok(Err(error)) => return Err(failed(path, &error)),
            Err(error) => return Err(Failure::System(Wrong::Failed(error.to_string()).into())),
        };
        if ended {
            return Ok(count);
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::System(
        Wrong::Export {
            path: path.to_owned(),
            reason: error.to_string(),
        }
        .into(),
    )
}

/// A file that nobody else may read, under a name that is not taken.
fn new_file(folder: &Path) -> io::Result<(PathBuf, File)> {
    std::fs::create_dir_all(folder)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    for number in 1..=NAMES {
        let name = match number {
            1 => "tidings-messages.jsonl".to_owned(),
            _ => format!("tidings-messages-{number}.jsonl"),
        };
        let path = folder.join(name);
        match options.open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => return Ok((path, file)),
        }
    }
    Err(io::Error::other("too many exports lie there: remove some"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_document_with_extra_as_it_was_sent() {
        let message = Exported {
            id: 7,
            relay: "ws://r/".into(),
            mid: "1731000000001".into(),
            sender: "ann".into(),
            group: None,
            title: "a\nb".into(),
            body: "晚上".into(),
            extra: r#"{"z":1,"a":{"b":[2]}}"#.into(),
            received_at: 5,
            read_at: None,
        };
        assert_eq!(
            line(&message).unwrap(),
            r#"{"id":7,"relay":"ws://r/","mid":"1731000000001","sender":"ann","group":null,"title":"a\nb","body":"晚上","extra":{"z":1,"a":{"b":[2]}},"receivedAt":5,"readAt":null}"#
        );
    }

    #[test]
    fn a_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let first = new_file(&folder.path().join("new")).unwrap().0;
        let second = new_file(&folder.path().join("new")).unwrap().0;
        assert!(first.ends_with("tidings-messages.jsonl"));
        assert!(second.ends_with("tidings-messages-2.jsonl"));
    }
}
