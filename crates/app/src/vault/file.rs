//! Secrets in a file that only its owner can read, for computers without a keyring and only after
//! the person agreed (that they did is `secrets`' to know).
//!
//! Invariants: the file has mode 0600 from its first byte; it is replaced whole; it is gone when the
//! last secret is forgotten.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{BoxFuture, Label, Secret, Vault, VaultError};
use crate::settings::replace;

/// The file's name in the settings folder.
const FILE: &str = "secrets.toml";

/// See the file's head.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
}

type Secrets = BTreeMap<String, String>;

impl File {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self {
            path: folder.join(FILE),
        }
    }

    async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, VaultError> {
        let path = self.path.clone();
        let told = path.display().to_string();
        tokio::task::spawn_blocking(move || act(&path))
            .await
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(|error| VaultError::Failed(format!("{told}: {error}")))
    }
}

fn read(path: &Path) -> std::io::Result<Secrets> {
    match std::fs::read_to_string(path) {
        // The parser's message would quote the file.
        Ok(text) => toml::from_str(&text).map_err(|_| {
            std::io::Error::new(
                ErrorKind::InvalidData,
                "this is no file of secrets: remove it",
            )
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Secrets::new()),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, secrets: &Secrets) -> std::io::Result<()> {
    if secrets.is_empty() {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            removed => removed?,
        }
        // That it is gone is durable once the folder is.
        #[cfg(unix)]
        std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        return Ok(());
    }
    let text = toml::to_string(secrets).map_err(std::io::Error::other)?;
    replace(path, text.as_bytes())
}

impl Vault for File {
    fn load<'a>(&'a self, label: &'a Label) -> BoxFuture<'a, Result<Option<Secret>, VaultError>> {
        let label = label.to_string();
        Box::pin(self.with(move |path| Ok(read(path)?.remove(&label).map(Secret::new))))
    }

    fn store<'a>(
        &'a self,
        label: &'a Label,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<(), VaultError>> {
        let (label, secret) = (label.to_string(), secret.reveal().to_owned());
        Box::pin(self.with(move |path| {
            let mut secrets = read(path)?;
            secrets.insert(label, secret);
            write(path, &secrets)
        }))
    }

    fn forget<'a>(&'a self, label: &'a Label) -> BoxFuture<'a, Result<(), VaultError>> {
        let label = label.to_string();
        Box::pin(self.with(move |path| {
            let mut secrets = read(path)?;
            match secrets.remove(&label) {
                Some(_) => write(path, &secrets),
                None => Ok(()),
            }
        }))
    }

    fn came_back(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn secrets_are_kept_for_the_owner_alone_and_leave_no_file_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::in_folder(folder.path());
        let (one, two) = (Label::Hosted, Label::Relay("ws://x/".into()));
        assert_eq!(file.load(&one).await, Ok(None));
        file.store(&one, &Secret::new("1")).await.unwrap();
        file.store(&two, &Secret::new("2 \"quoted\""))
            .await
            .unwrap();
        let kept = file.load(&two).await.unwrap().unwrap();
        assert_eq!(kept.reveal(), "2 \"quoted\"");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = folder.path().join(FILE).metadata().unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
        }
        file.forget(&one).await.unwrap();
        file.forget(&one).await.unwrap();
        assert!(folder.path().join(FILE).exists());
        file.forget(&two).await.unwrap();
        assert!(!folder.path().join(FILE).exists());
    }

    #[tokio::test]
    async fn a_broken_file_is_told_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "s3cret = ").unwrap();
        let error = File::in_folder(folder.path())
            .load(&Label::Hosted)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(FILE) && !error.contains("s3cret"), "{error}");
    }
}
