//! The icon's pixels: a picture of the state, and over it a badge with what is unread. Pure.
//!
//! The parts are drawn by `cargo xtask icons` from `src-tauri/icons/tray.svg` and included as they
//! are; that they read on light and on dark panels is tested here.

use tidings_control::Connection;

/// Pixels of a side.
pub(crate) const SIDE: u32 = 48;

/// Bytes of a picture: red, green, blue and alpha of each pixel, row by row.
const BYTES: usize = (SIDE * SIDE * 4) as usize;

/// What the icon shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Picture {
    state: State,
    badge: u8,
}

/// The states that are told apart at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum State {
    NotConfigured,
    Connecting,
    Connected,
    /// Connected, and notifications are held back.
    Paused,
    Offline,
    /// Nothing more is tried until the person does something.
    Attention,
}

/// The badge that stands for more than nine.
const MANY: u8 = 10;

impl Picture {
    pub(crate) fn of(connection: &Connection, held_back: bool, unread: u32) -> Self {
        let state = match connection {
            Connection::NotConfigured => State::NotConfigured,
            Connection::Connecting => State::Connecting,
            Connection::Connected { .. } if held_back => State::Paused,
            Connection::Connected { .. } => State::Connected,
            Connection::Offline { .. } => State::Offline,
            Connection::Untrusted { .. }
            | Connection::Refused { .. }
            | Connection::TakenOver { .. } => State::Attention,
        };
        let badge = u8::try_from(unread).map_or(MANY, |unread| unread.min(MANY));
        Self { state, badge }
    }

    /// Its pixels.
    pub(crate) fn pixels(self) -> Vec<u8> {
        let mut pixels = self.state.pixels().to_vec();
        if let Some(badge) = badge(self.badge) {
            lay_over(&mut pixels, badge);
        }
        pixels
    }
}

macro_rules! part {
    ($name:literal) => {
        include_bytes!(concat!("../../icons/", $name, ".rgba"))
    };
}

impl State {
    fn pixels(self) -> &'static [u8; BYTES] {
        match self {
            Self::NotConfigured => part!("not-configured"),
            Self::Connecting => part!("connecting"),
            Self::Connected => part!("connected"),
            Self::Paused => part!("paused"),
            Self::Offline => part!("offline"),
            Self::Attention => part!("attention"),
        }
    }
}

fn badge(count: u8) -> Option<&'static [u8; BYTES]> {
    Some(match count {
        0 => return None,
        1 => part!("badge-1"),
        2 => part!("badge-2"),
        3 => part!("badge-3"),
        4 => part!("badge-4"),
        5 => part!("badge-5"),
        6 => part!("badge-6"),
        7 => part!("badge-7"),
        8 => part!("badge-8"),
        9 => part!("badge-9"),
        _ => part!("badge-many"),
    })
}

/// Lays one picture over another, both with straight alpha (Porter and Duff, "over").
fn lay_over(below: &mut [u8], above: &[u8]) {
    for (under, over) in below.chunks_exact_mut(4).zip(above.chunks_exact(4)) {
        let ([red, green, blue, alpha], [r, g, b, a]) = (under, over) else {
            continue;
        };
        let over = u32::from(*a) * 255;
        let through = u32::from(*alpha) * (255 - u32::from(*a));
        let all = over + through;
        if all == 0 {
            continue;
        }
        for (channel, above) in [(red, r), (green, g), (blue, b)] {
            let mixed = (u32::from(*above) * over + u32::from(*channel) * through) / all;
            *channel = u8::try_from(mixed).unwrap_or(u8::MAX);
        }
        *alpha = u8::try_from(all / 255).unwrap_or(u8::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const STATES: [State; 6] = [
        State::NotConfigured,
        State::Connecting,
        State::Connected,
        State::Paused,
        State::Offline,
        State::Attention,
    ];

    /// The lightest and the darkest panel that is likely: white, and Breeze's and Adwaita's dark.
    const PANELS: [[u8; 3]; 3] = [[0xff; 3], [0x2b; 3], [0x24, 0x1f, 0x31]];

    /// Relative luminance (WCAG 2.1).
    fn luminance(colour: [u8; 3]) -> f64 {
        let [r, g, b] = colour.map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn each_state_and_count_has_a_picture_of_its_own() {
        let mut seen = HashSet::new();
        for state in STATES {
            for badge in 0..=MANY {
                let picture = Picture { state, badge };
                assert!(seen.insert(picture.pixels()), "{picture:?}");
            }
        }
    }

    #[test]
    fn all_states_read_on_light_and_dark_panels() {
        for state in STATES {
            for panel in PANELS {
                let mut clear = 0;
                for pixel in state.pixels().as_chunks::<4>().0 {
                    let [r, g, b, a] = *pixel;
                    clear += usize::from(a > 200 && contrast([r, g, b], panel) >= 3.0);
                }
                // A tenth of the square: as much as the thinnest drawing has.
                assert!(clear > BYTES / 40, "{state:?} on {panel:?}: {clear}");
            }
        }
    }

    #[test]
    fn the_state_follows_the_connection_first_and_the_pause_second() {
        let connected = Connection::Connected { since: 0 };
        let state = |connection: &Connection, held| Picture::of(connection, held, 0).state;
        assert_eq!(state(&connected, false), State::Connected);
        assert_eq!(state(&connected, true), State::Paused);
        let taken = Connection::TakenOver {
            since: 0,
            again: false,
            retry_at: None,
        };
        assert_eq!(state(&taken, true), State::Attention);
        assert_eq!(
            state(&Connection::NotConfigured, true),
            State::NotConfigured
        );
        for (unread, badge) in [(0, 0), (9, 9), (10, MANY), (300, MANY), (u32::MAX, MANY)] {
            assert_eq!(Picture::of(&connected, false, unread).badge, badge);
        }
    }

    #[test]
    fn a_badge_covers_what_it_lies_on_and_leaves_the_rest() {
        let mut pixels = [10, 20, 30, 255, 1, 2, 3, 0, 0, 0, 0, 255, 9, 9, 9, 0];
        lay_over(
            &mut pixels,
            &[
                200, 100, 50, 255, 7, 8, 9, 255, 255, 255, 255, 51, 0, 0, 0, 0,
            ],
        );
        assert_eq!(
            pixels,
            [200, 100, 50, 255, 7, 8, 9, 255, 51, 51, 51, 255, 9, 9, 9, 0]
        );
    }
}
