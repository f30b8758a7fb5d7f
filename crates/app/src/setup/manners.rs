//! What the person sets about language, looks and notifications, and how long they pause these.

use super::Setup;
use crate::types::{Event, Failure, Mute, Pause, Settings};
use crate::words::Wrong;
use crate::{clock, quiet};

/// Minutes of a pause at most: a week. Whoever wants longer turns them off in the desktop.
const PAUSE_MINUTES: u32 = 7 * 24 * 60;

/// When "tomorrow" begins: who pauses before midnight does not mean midnight.
const MORNING: i8 = 8;

impl Setup {
    pub(super) async fn set_settings(&mut self, settings: Settings) -> Result<Settings, Failure> {
        quiet::check(&settings.notifications).map_err(|wrong| Failure::Invalid(wrong.into()))?;
        self.parts.stored.set(&settings);
        self.parts.settings.send_replace(settings.clone());
        // The relay hosted here is called by a word of the language.
        self.report();
        self.save().await;
        let _ = self.parts.events.send(Event::Settings(settings.clone()));
        Ok(settings)
    }

    pub(super) async fn mute(&mut self, mute: Mute, on: bool) -> Result<Settings, Failure> {
        let mut settings = self.parts.settings.borrow().clone();
        let mutes = &mut settings.notifications.mutes;
        mutes.retain(|other| *other != mute);
        if on {
            mutes.push(mute);
        }
        self.set_settings(settings).await
    }

    /// Whether the person was told before that the desktop shows no tray.
    pub(super) async fn tray_lack(&mut self, told: bool) -> bool {
        let before = self.parts.stored.tray_lack_told;
        if told && !before {
            self.parts.stored.tray_lack_told = true;
            self.save().await;
        }
        before
    }

    /// Survives a restart: whoever pauses means the day, not the process.
    pub(super) async fn pause(&mut self, pause: Pause) -> Result<(), Failure> {
        let until = match pause {
            Pause::Minutes(minutes) if (1..=PAUSE_MINUTES).contains(&minutes) => {
                Some(clock::now().saturating_add(u64::from(minutes) * 60_000))
            }
            Pause::Minutes(_) => {
                return Err(Failure::Invalid(Wrong::Pause(PAUSE_MINUTES).into()));
            }
            Pause::Tomorrow => Some(clock::tomorrow(MORNING)),
            Pause::Off => None,
        };
        self.parts.stored.paused_until = until;
        self.save().await;
        // Whoever asked sees it in the status at once, before the reception has heeded it.
        self.parts
            .board
            .update(|status| status.quiet.paused_until = until);
        self.parts.pause.send_replace(until);
        Ok(())
    }
}
