//! Where a secret is kept: the keyring if it can, the file if the person agreed, else memory.
//!
//! Owns that choice, the cache of what is known, and the words for people. Knows no vault's inside.
//!
//! Invariants: nothing goes to the file without the person's word; a secret is never lost because a
//! vault failed (it stays in memory, and the person is told); one that is unwanted is not used again
//! unless it is given anew, whatever the keyring still holds.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;

use tidings_control::Words;

use crate::types::SecretPlace;
use crate::vault::{File, Label, Secret, Vault, VaultError};

/// All secrets of this app.
pub(crate) struct Secrets {
    keyring: Arc<dyn Vault>,
    file: File,
    plain: Option<bool>,
    known: HashMap<Label, Known>,
    /// What the keyring is to forget and still holds, as far as is known.
    unwanted: BTreeSet<Label>,
}

struct Known {
    secret: Secret,
    place: SecretPlace,
    /// Made by us because none was found, not given by the person.
    made: bool,
}

/// What looking for a secret gave.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) secret: Option<Secret>,
    pub(crate) place: SecretPlace,
    /// Why the keyring could not say.
    pub(crate) fault: Option<VaultError>,
}

/// What moving secrets into the keyring gave.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// A secret of ours was given up for the keyring's.
    pub(crate) replaced: bool,
    /// Why the keyring did not take one.
    pub(crate) fault: Option<VaultError>,
}

impl Secrets {
    /// `unwanted` is what an earlier run was to forget, and could not.
    pub(crate) fn new(
        keyring: Arc<dyn Vault>,
        file: File,
        plain: Option<bool>,
        unwanted: BTreeSet<Label>,
    ) -> Self {
        Self {
            keyring,
            file,
            plain,
            known: HashMap::new(),
            unwanted,
        }
    }

    /// Where a secret is, as far as it was looked for.
    pub(crate) fn place(&self, label: &Label) -> SecretPlace {
        self.known
            .get(label)
            .map_or(SecretPlace::Nowhere, |known| known.place)
    }

    /// A secret that was loaded or stored since the start.
    pub(crate) fn known(&self, label: &Label) -> Option<&Secret> {
        self.known.get(label).map(|known| &known.secret)
    }

    /// Looks for a secret in memory, file and keyring.
    pub(crate) async fn load(&mut self, label: &Label) -> Found {
        if let Some(known) = self.known.get(label) {
            return Found {
                secret: Some(known.secret.clone()),
                place: known.place,
                fault: None,
            };
        }
        if self.unwanted.contains(label) {
            return Found {
                secret: None,
                place: SecretPlace::Nowhere,
                fault: None,
            };
        }
        // The file goes first: whenever the keyring takes a secret, the file's copy goes, so what is
        // there still is what the keyring did not take.
        if let Some(secret) = self.in_file(label).await {
            self.know(label, &secret, SecretPlace::File, false);
            return Found {
                secret: Some(secret),
                place: SecretPlace::File,
                fault: None,
            };
        }
        match self.keyring.load(label).await {
            Ok(Some(secret)) => {
                self.know(label, &secret, SecretPlace::Keyring, false);
                Found {
                    secret: Some(secret),
                    place: SecretPlace::Keyring,
                    fault: None,
                }
            }
            kept => Found {
                secret: None,
                place: SecretPlace::Nowhere,
                fault: kept.err(),
            },
        }
    }

    async fn in_file(&self, label: &Label) -> Option<Secret> {
        if self.plain != Some(true) {
            return None;
        }
        self.file.load(label).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the file of secrets cannot be read");
            None
        })
    }

    /// Whether the file holds a secret that was looked for: a keyring should take it.
    pub(crate) fn filed(&self) -> bool {
        let mut known = self.known.values();
        known.any(|known| known.place == SecretPlace::File)
    }

    /// What the keyring is to forget and still holds; to be written down, as it may outlive this run.
    pub(crate) fn unwanted(&self) -> &BTreeSet<Label> {
        &self.unwanted
    }

    /// Gives a secret up; [`Self::forget_unwanted`] is to follow once that is written down.
    pub(crate) fn give_up(&mut self, label: &Label) {
        self.known.remove(label);
        self.unwanted.insert(label.clone());
    }

    /// Keeps a secret as well as can be. The fault is the keyring's, where it did not take it.
    pub(crate) async fn store(
        &mut self,
        label: &Label,
        secret: &Secret,
        made: bool,
    ) -> Option<VaultError> {
        self.unwanted.remove(label);
        let fault = match self.keyring.store(label, secret).await {
            Ok(()) => {
                self.know(label, secret, SecretPlace::Keyring, made);
                // Only now: a crash in between leaves two copies, never none.
                if let Err(error) = self.file.forget(label).await {
                    tracing::warn!(%error, "the file of secrets keeps what the keyring has now");
                }
                return None;
            }
            Err(fault) => fault,
        };
        let there = self
            .known
            .get(label)
            .is_some_and(|known| known.place == SecretPlace::File && known.secret == *secret);
        let place = if there || (self.plain == Some(true) && self.to_file(label, secret).await) {
            SecretPlace::File
        } else {
            SecretPlace::Memory
        };
        self.know(label, secret, place, made);
        Some(fault)
    }

    /// Forgets a secret everywhere. The fault is the keyring's, where it kept it; it is asked again
    /// when secrets are settled.
    pub(crate) async fn forget(&mut self, label: &Label) -> Option<VaultError> {
        self.give_up(label);
        self.forget_unwanted().await
    }

    /// Forgets what was given up, wherever it is; ends with the keyring's first fault, as each try
    /// may put up a prompt.
    pub(crate) async fn forget_unwanted(&mut self) -> Option<VaultError> {
        for label in &self.unwanted {
            if let Err(error) = self.file.forget(label).await {
                tracing::warn!(%error, "the file of secrets keeps what was to be forgotten");
            }
        }
        while let Some(label) = self.unwanted.first().cloned() {
            if let Err(fault) = self.keyring.forget(&label).await {
                return Some(fault);
            }
            self.unwanted.remove(&label);
        }
        None
    }

    /// The person's answer about the file, applied to what is known.
    pub(crate) async fn allow_plain(&mut self, allow: bool) {
        self.plain = Some(allow);
        let from = if allow {
            SecretPlace::Memory
        } else {
            SecretPlace::File
        };
        for (label, secret, made) in self.in_place(from) {
            if allow {
                if self.to_file(&label, &secret).await {
                    self.know(&label, &secret, SecretPlace::File, made);
                }
            } else if let Err(error) = self.file.forget(&label).await {
                tracing::warn!(%error, "the file of secrets could not be emptied");
            } else {
                self.know(&label, &secret, SecretPlace::Memory, made);
            }
        }
    }

    /// Ends when the keyring is worth another try.
    pub(crate) fn came_back(&self) -> impl Future<Output = ()> + use<> {
        let keyring = Arc::clone(&self.keyring);
        async move { keyring.came_back().await }
    }

    /// Moves what memory and file hold into the keyring. A secret that we made is given up for one
    /// that the keyring has had all along.
    pub(crate) async fn settle(&mut self) -> Settled {
        let mut settled = Settled::default();
        // Where it does not, `unwanted` says so: no token in use is the worse for it.
        self.forget_unwanted().await;
        let mut waiting = self.in_place(SecretPlace::Memory);
        waiting.extend(self.in_place(SecretPlace::File));
        for (label, secret, made) in waiting {
            if made && let Ok(Some(kept)) = self.keyring.load(&label).await {
                settled.replaced |= kept != secret;
                self.know(&label, &kept, SecretPlace::Keyring, false);
            } else if let Some(fault) = self.store(&label, &secret, made).await {
                settled.fault = Some(fault);
            }
        }
        settled
    }

    fn in_place(&self, place: SecretPlace) -> Vec<(Label, Secret, bool)> {
        self.known
            .iter()
            .filter(|(_, known)| known.place == place)
            .map(|(label, known)| (label.clone(), known.secret.clone(), known.made))
            .collect()
    }

    fn know(&mut self, label: &Label, secret: &Secret, place: SecretPlace, made: bool) {
        let secret = secret.clone();
        self.known.insert(
            label.clone(),
            Known {
                secret,
                place,
                made,
            },
        );
    }

    async fn to_file(&self, label: &Label, secret: &Secret) -> bool {
        match self.file.store(label, secret).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the token could not be written to the file of secrets");
                false
            }
        }
    }

    /// What people are told about a secret that could not be kept or found.
    pub(crate) fn words(&self, place: SecretPlace, fault: &VaultError) -> Option<Words> {
        let what = match fault {
            VaultError::Absent => (
                "No keyring runs on this computer",
                "此计算机上没有运行密钥环",
            ),
            VaultError::Locked => ("The keyring is locked", "密钥环已锁定"),
            VaultError::Silent => ("The keyring does not answer", "密钥环没有应答"),
            VaultError::Failed(words) => {
                return Some(Words::new(
                    format!(
                        "The keyring failed ({words}). Check it with the desktop's password application; the token is kept in memory until then."
                    ),
                    format!(
                        "密钥环出错（{words}）。请用桌面的密码程序检查；在此之前令牌只保存在内存中。"
                    ),
                ));
            }
        };
        let advice = match (fault, self.plain) {
            (VaultError::Absent, _) if place == SecretPlace::Nowhere => (
                "Start the keyring that holds it, or enter the token again in the settings.",
                "请启动保存它的密钥环，或在设置中重新输入令牌。",
            ),
            (_, Some(true)) if place == SecretPlace::File => return None,
            (VaultError::Absent, None) => (
                "Allow a file that only you can read, or start a keyring such as gnome-keyring or KWallet.",
                "请允许使用只有你能读取的文件，或启动密钥环，例如 gnome-keyring 或 KWallet。",
            ),
            (VaultError::Absent, Some(false)) => return None,
            (VaultError::Absent, Some(true)) => (
                "The file for it could not be written: make the settings folder writable.",
                "无法写入保存它的文件：请使设置文件夹可写。",
            ),
            (VaultError::Silent, _) => (
                "If it asks for a password, answer it; else restart it.",
                "若它要求输入密码，请输入；否则请重启它。",
            ),
            _ => (
                "Unlock it: Tidings goes on by itself, or at once when you reconnect.",
                "请解锁：Tidings 会自动继续，重新连接则立即继续。",
            ),
        };
        let until = match place {
            SecretPlace::Nowhere => ("so the token cannot be read", "因此无法读取令牌"),
            _ => (
                "so the token is kept in memory only and asked for again at the next start",
                "因此令牌只保存在内存中，下次启动时会再次询问",
            ),
        };
        Some(Words::new(
            format!("{}, {}. {}", what.0, until.0, advice.0),
            format!("{}，{}。{}", what.1, until.1, advice.1),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Keyring;

    #[test]
    fn each_fault_is_told_in_both_languages_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let mut told = 0;
        for plain in [None, Some(true), Some(false)] {
            let secrets = Secrets::new(
                Arc::new(Keyring::of_platform()),
                File::in_folder(folder.path()),
                plain,
                BTreeSet::new(),
            );
            for place in [SecretPlace::Nowhere, SecretPlace::Memory, SecretPlace::File] {
                for fault in [
                    VaultError::Absent,
                    VaultError::Locked,
                    VaultError::Silent,
                    VaultError::Failed("odd".to_owned()),
                ] {
                    if let Some(words) = secrets.words(place, &fault) {
                        crate::words::complete(&words);
                        told += 1;
                    }
                }
            }
        }
        assert!(told > 20, "{told}");
    }

    #[tokio::test]
    async fn what_the_file_holds_is_newer_and_goes_into_the_keyring() {
        let folder = tempfile::tempdir().unwrap();
        let store = keyring_core::mock::Store::new().unwrap();
        let keyring = Arc::new(Keyring::with(move || Ok(store.clone())));
        let label = Label::Hosted;
        keyring.store(&label, &Secret::new("old")).await.unwrap();
        let file = || File::in_folder(folder.path());
        file().store(&label, &Secret::new("new")).await.unwrap();
        let mut secrets = Secrets::new(keyring.clone(), file(), Some(true), BTreeSet::new());
        let found = secrets.load(&label).await;
        assert_eq!(found.secret, Some(Secret::new("new")));
        assert_eq!(found.place, SecretPlace::File);
        assert!(secrets.filed());
        assert_eq!(secrets.settle().await.fault, None);
        assert_eq!(secrets.place(&label), SecretPlace::Keyring);
        assert_eq!(keyring.load(&label).await, Ok(Some(Secret::new("new"))));
        assert_eq!(file().load(&label).await, Ok(None));
    }
}
