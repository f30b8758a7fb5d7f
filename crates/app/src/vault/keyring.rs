//! The platform's keyring: Secret Service, Keychain or Credential Manager.
//!
//! Owns the deadline around its blocking calls and the telling apart of its failures. The store is
//! connected anew for each call: a service that starts later is then found, and calls are rare.
//!
//! Invariants: one call runs at a time, on a thread of its own, which may be stuck behind a prompt
//! for as long as the person lets it; callers wait [`DEADLINE`] at most, and while it is stuck they
//! are told so at once. The thread is detached on purpose: a blocking D-Bus call cannot be
//! cancelled, and the end of the process must not wait for it.

#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) mod secret_service;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyring::Error;
use keyring_core::Entry;
use keyring_core::api::CredentialStore;
use tokio::sync::{Semaphore, oneshot};

use super::{BoxFuture, Label, Secret, Vault, VaultError};

/// How long a caller waits. An unlocked keyring answers in milliseconds; a person typing a password
/// may take longer, and is waited for in the background.
const DEADLINE: Duration = Duration::from_secs(5);

/// A keyring that runs, and yet failed, is tried again after so long: the first time soon, as it may
/// just have come; then so seldom that nobody notices.
const SOON: Duration = Duration::from_secs(2);
const SELDOM: Duration = Duration::from_secs(60);

/// The name under which keyrings list our secrets.
const SERVICE: &str = "tidings";

/// Connects to a store of credentials; may block.
pub type Backend = dyn Fn() -> keyring::Result<Arc<CredentialStore>> + Send + Sync;

/// The platform's keyring.
pub struct Keyring {
    backend: Arc<Backend>,
    turn: Arc<Semaphore>,
    /// Whether the last call found it locked: the person said no to its prompt.
    refused: Arc<AtomicBool>,
    /// Whether it was tried again since it last did as asked.
    tried: Arc<AtomicBool>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

impl Keyring {
    /// The one of this platform. Touches nothing yet.
    #[must_use]
    pub fn of_platform() -> Self {
        Self::with(connect)
    }

    /// One over a store of the caller's.
    pub fn with(
        backend: impl Fn() -> keyring::Result<Arc<CredentialStore>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            backend: Arc::new(backend),
            turn: Arc::new(Semaphore::new(1)),
            refused: Arc::default(),
            tried: Arc::default(),
        }
    }

    async fn call<T: Send + 'static>(
        &self,
        label: &Label,
        act: impl FnOnce(&Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<Option<T>, VaultError> {
        let Ok(turn) = Arc::clone(&self.turn).try_acquire_owned() else {
            // The last call is stuck still; another would only queue behind the same prompt.
            return Err(VaultError::Silent);
        };
        let (answer, answered) = oneshot::channel();
        let backend = Arc::clone(&self.backend);
        let (refused, tried) = (Arc::clone(&self.refused), Arc::clone(&self.tried));
        let user = label.to_string();
        std::thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                let result = perform(&*backend, &user, act);
                let locked = matches!(result, Err(VaultError::Locked));
                refused.store(locked, Ordering::Relaxed);
                if result.is_ok() {
                    tried.store(false, Ordering::Relaxed);
                }
                drop(turn);
                // Nobody listens any more if the deadline has passed.
                let _ = answer.send(result);
            })
            .map_err(|error| VaultError::Failed(format!("no thread for the keyring: {error}")))?;
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(VaultError::Failed(
                "the keyring's library failed".to_owned(),
            )),
            Err(_) => Err(VaultError::Silent),
        }
    }
}

fn perform<T>(
    backend: &Backend,
    user: &str,
    act: impl FnOnce(&Entry) -> keyring::Result<T>,
) -> Result<Option<T>, VaultError> {
    let store = backend().map_err(|error| {
        tracing::debug!(%error, "no keyring");
        VaultError::Absent
    })?;
    let entry = store.build(SERVICE, user, None).map_err(fault)?;
    match act(&entry) {
        Ok(value) => Ok(Some(value)),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(fault(error)),
    }
}

fn fault(error: Error) -> VaultError {
    match error {
        Error::NoStorageAccess(_) => VaultError::Locked,
        Error::NoDefaultStore => VaultError::Absent,
        // These print what they hold, which may be the secret.
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            VaultError::Failed("the keyring holds something else under this name".to_owned())
        }
        error => VaultError::Failed(error.to_string()),
    }
}

impl Vault for Keyring {
    fn load<'a>(&'a self, label: &'a Label) -> BoxFuture<'a, Result<Option<Secret>, VaultError>> {
        Box::pin(async move {
            let found = self.call(label, Entry::get_password).await?;
            Ok(found.map(Secret::new))
        })
    }

    fn store<'a>(
        &'a self,
        label: &'a Label,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<(), VaultError>> {
        Box::pin(async move {
            let secret = secret.clone();
            self.call(label, move |entry| entry.set_password(secret.reveal()))
                .await?;
            Ok(())
        })
    }

    fn forget<'a>(&'a self, label: &'a Label) -> BoxFuture<'a, Result<(), VaultError>> {
        Box::pin(async move {
            self.call(label, Entry::delete_credential).await?;
            Ok(())
        })
    }

    fn came_back(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if self.turn.available_permits() == 0 {
                // A call is stuck, perhaps behind a prompt: its end is the news.
                drop(self.turn.acquire().await);
                if !self.refused.load(Ordering::Relaxed) {
                    return;
                }
            }
            if self.refused.load(Ordering::Relaxed) {
                // Another try would put the prompt up again: we only look whether it is open.
                unlocked().await;
            } else {
                let tried = self.tried.swap(true, Ordering::Relaxed);
                appeared(if tried { SELDOM } else { SOON }).await;
            }
        })
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
async fn appeared(pause: Duration) {
    crate::bus::appears(secret_service::NAME, crate::bus::Now::Counts(pause)).await;
}

#[cfg(all(unix, not(target_os = "macos")))]
use secret_service::unlocked;

#[cfg(not(all(unix, not(target_os = "macos"))))]
async fn appeared(_pause: Duration) {
    std::future::pending().await
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
async fn unlocked() {
    std::future::pending().await
}

#[cfg(all(unix, not(target_os = "macos")))]
fn connect() -> keyring::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(any(target_os = "macos", windows))]
fn connect() -> keyring::Result<Arc<CredentialStore>> {
    // Part of the system, and so there whenever we are: keyring's own choice serves.
    let _ = keyring::Entry::store_status();
    keyring_core::get_default_store().ok_or(Error::NoDefaultStore)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyring_core::api::CredentialStoreApi;
    use std::sync::Mutex;

    fn label() -> Label {
        Label::Relay("ws://relay.lan:9093/".into())
    }

    #[tokio::test]
    async fn secrets_are_kept_replaced_and_forgotten() {
        let store = keyring_core::mock::Store::new().unwrap();
        let keyring = Keyring::with(move || Ok(store.clone()));
        assert_eq!(keyring.load(&label()).await, Ok(None));
        keyring.forget(&label()).await.unwrap();
        for text in ["one", "two"] {
            keyring.store(&label(), &Secret::new(text)).await.unwrap();
            let kept = keyring.load(&label()).await.unwrap().unwrap();
            assert_eq!(kept.reveal(), text);
        }
        assert_eq!(keyring.load(&Label::Hosted).await, Ok(None));
        keyring.forget(&label()).await.unwrap();
        assert_eq!(keyring.load(&label()).await, Ok(None));
    }

    #[tokio::test]
    async fn a_service_that_starts_later_is_found() {
        let there = Arc::new(AtomicBool::new(false));
        let store = keyring_core::mock::Store::new().unwrap();
        let seen = Arc::clone(&there);
        let keyring = Keyring::with(move || {
            if seen.load(Ordering::SeqCst) {
                Ok(store.clone())
            } else {
                Err(Error::NoDefaultStore)
            }
        });
        let secret = Secret::new("s");
        assert_eq!(
            keyring.store(&label(), &secret).await,
            Err(VaultError::Absent)
        );
        there.store(true, Ordering::SeqCst);
        assert_eq!(keyring.store(&label(), &secret).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_keyring_that_hangs_holds_nobody_longer_than_the_deadline() {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Mutex::new(held);
        let store = keyring_core::mock::Store::new().unwrap();
        let keyring = Keyring::with(move || {
            let _ = held.lock().unwrap().recv();
            Ok(store.clone())
        });
        let began = tokio::time::Instant::now();
        assert_eq!(keyring.load(&label()).await, Err(VaultError::Silent));
        assert_eq!(keyring.load(&label()).await, Err(VaultError::Silent));
        assert!(began.elapsed() <= DEADLINE + Duration::from_millis(10));
        // The person answers the prompt: the news comes, and calls work again.
        drop(release);
        tokio::time::resume();
        keyring.came_back().await;
        assert_eq!(keyring.load(&label()).await, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_prompt_that_is_dismissed_late_is_no_reason_to_ask_again() {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Mutex::new(held);
        let store = keyring_core::mock::Store::new().unwrap();
        let keyring = Keyring::with(move || {
            let _ = held.lock().unwrap().recv();
            let entry = store.build(SERVICE, &label().to_string(), None)?;
            let mock: &keyring_core::mock::Cred = entry.as_any().downcast_ref().unwrap();
            mock.set_error(Error::NoStorageAccess("dismissed".into()));
            Ok(store.clone())
        });
        assert_eq!(keyring.load(&label()).await, Err(VaultError::Silent));
        tokio::time::resume();
        let back = keyring.came_back();
        tokio::pin!(back);
        let stuck = tokio::time::timeout(Duration::ZERO, &mut back).await;
        assert!(stuck.is_err(), "nobody dismissed it yet");
        drop(release);
        tokio::select! {
            biased;
            () = &mut back => panic!("it would ask again"),
            turn = keyring.turn.acquire() => drop(turn),
        }
        assert_eq!(keyring.load(&label()).await, Err(VaultError::Locked));
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", Secret::new("s3cret")), "Secret(..)");
    }
}
