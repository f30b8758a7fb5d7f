//! This computer as faces see and set it: Tidings' folders, and what happens at login.
//!
//! Owns the translation between the app's places and the faces' words for them. What is told is read
//! from the disk each time: other programs change it too.

use tidings_app::Folders;
use tidings_app::autostart::{AtLogin, Autostart, AutostartError};
use tidings_app::doctor::Doctor;
use tidings_control::{Answer, Code, Computer, Failure, Folder, Words};

use crate::texts;
use crate::windows;

/// See the file's head.
#[derive(Debug, Clone)]
pub(crate) struct Here {
    folders: Folders,
    autostart: Option<Autostart>,
}

impl Here {
    pub(crate) fn new(folders: Folders) -> Self {
        Self {
            folders,
            autostart: Autostart::of_user(),
        }
    }

    /// Repairs the entry that starts Tidings at login, where the program was moved.
    pub(crate) async fn repair(self) {
        let repaired = self.blocking(|autostart| autostart.repair()).await;
        match repaired {
            Ok(Some(true)) => tracing::info!("starting at login names this program again"),
            Ok(_) => {}
            Err(failure) => tracing::warn!(%failure, "starting at login was not repaired"),
        }
    }

    /// Folders, and what happens at login.
    ///
    /// # Errors
    /// [`Code::System`] while the agent ends.
    pub(crate) async fn told(&self) -> Result<Answer, Failure> {
        let at_login = self.blocking(|autostart| Ok(autostart.at_login())).await?;
        Ok(Answer::Computer(Computer {
            data: self.folders.data.to_string_lossy().into_owned(),
            config: self.folders.config.to_string_lossy().into_owned(),
            autostart: at_login.map(told),
        }))
    }

    /// Starts at login from now on, or not any longer; then as [`Self::told`].
    ///
    /// # Errors
    /// [`Code::NotFound`] where that cannot be set; [`Code::System`] where the disk refuses.
    pub(crate) async fn set_autostart(&self, on: bool, hidden: bool) -> Result<Answer, Failure> {
        let set = self
            .blocking(move |autostart| autostart.set(on, hidden))
            .await?;
        if set.is_none() {
            return Err(Failure {
                code: Code::NotFound,
                message: texts::login_elsewhere(),
            });
        }
        self.told().await
    }

    /// Who looks at all of this computer that Tidings depends on.
    ///
    /// # Errors
    /// [`Code::System`] where the system does not say where this program is.
    pub(crate) fn doctor(&self) -> Result<Doctor, Failure> {
        let window = windows::program()
            .map_err(|error| system(texts::no_window("tidings-window", error)))?;
        Ok(Doctor::new(self.folders.clone(), window))
    }

    /// Shows a folder in the person's file manager.
    ///
    /// # Errors
    /// [`Code::System`] where none opens it.
    pub(crate) fn open(&self, folder: Folder) -> Result<Answer, Failure> {
        let path = match folder {
            Folder::Data => &self.folders.data,
            Folder::Config => &self.folders.config,
        };
        open::that_detached(path).map_err(|error| Failure {
            code: Code::System,
            message: texts::no_file_manager(error, path.display()),
        })?;
        Ok(Answer::Done)
    }

    /// Works on the entry, on a thread that may wait for the disk; none where there is none.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Autostart) -> Result<T, AutostartError> + Send + 'static,
    ) -> Result<Option<T>, Failure> {
        let Some(autostart) = self.autostart.clone() else {
            return Ok(None);
        };
        tokio::task::spawn_blocking(move || work(&autostart))
            .await
            .map_err(|error| system(Words::foreign(error.to_string())))?
            .map(Some)
            .map_err(|error| system(error.words()))
    }
}

fn system(message: Words) -> Failure {
    Failure {
        code: Code::System,
        message,
    }
}

fn told(at_login: AtLogin) -> tidings_control::Autostart {
    let (on, hidden, other) = match at_login {
        // Whoever switches it on means the tray first: a window each morning is in the way.
        AtLogin::Off | AtLogin::OffElsewhere => (false, true, None),
        AtLogin::On { hidden, other } => (true, hidden, other),
        AtLogin::Stale { hidden, program } => (true, hidden, Some(program.into())),
    };
    tidings_control::Autostart {
        on,
        hidden,
        other: other.map(|path| path.to_string_lossy().into_owned()),
    }
}
