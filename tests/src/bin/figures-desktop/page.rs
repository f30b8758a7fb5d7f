//! What a person waits for at the window: its opening, a search, a scroll. The page's own clock counts.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde_json::{Value, json};
use tidings_control::{Request, View};
use tidings_tests::Rig;
use tidings_tests::agent::Agent;
use tidings_tests::display::Display;
use tidings_tests::wait;
use tidings_tests::window::Window;

use crate::fill::{SHORT, WORDS};

/// Milliseconds, smallest first.
pub(crate) struct Times(Vec<f64>);

impl Times {
    pub(crate) fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    fn at(&self, part: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = (last as f64 * part).round() as usize;
        self.0.get(at).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "median": self.at(0.5),
            "p90": self.at(0.9),
            "p99": self.at(0.99),
            "worst": self.at(1.0),
            "all": self.0,
        })
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, most, worst] = [0.5, 0.99, 1.0].map(|part| self.at(part));
        write!(
            f,
            "median {median:.1} ms, 99th percentile {most:.1} ms, worst {worst:.1} ms of {}",
            self.0.len()
        )
    }
}

/// Opens the window once, to stay.
pub(crate) async fn open(rig: &Rig, agent: &Agent) -> anyhow::Result<Window> {
    let view = View::Inbox { message: None };
    agent.ask(Request::Show { view }).await?;
    let window = rig.window().await?;
    window.find("inbox-row").await?;
    Ok(window)
}

/// Clicks the tray's icon so often; from each click to the frame with the list, and to the page's
/// beginning, when the window's program and WebKit have started.
pub(crate) async fn opened(
    rig: &Rig,
    display: &Display,
    times: u32,
) -> anyhow::Result<(Times, Times)> {
    let (mut all, mut begun) = (Vec::new(), Vec::new());
    for _ in 0..times {
        wait::until("the window process's end", wait::START, async || {
            Ok(rig
                .home
                .processes_of("tidings-window")
                .is_empty()
                .then_some(()))
        })
        .await?;
        let clicked = SystemTime::now().duration_since(UNIX_EPOCH)?;
        rig.tray.item().await?.activate().await?;
        display.opened("Tidings").await?;
        // Asked after it is over: what asks takes time itself.
        let window = rig.window().await?;
        window.find("inbox-row").await?;
        let script =
            "return [performance.timeOrigin, performance.getEntriesByName('list')[0].startTime]";
        let times = window.client().execute(script, Vec::new()).await?;
        let (origin, list): (f64, f64) =
            serde_json::from_value(times).context("the page marks its first list")?;
        let origin = origin - clicked.as_secs_f64() * 1000.0;
        begun.push(origin);
        all.push(origin + list);
        drop(window);
        display.close("Tidings").await?;
    }
    Ok((Times::of(all), Times::of(begun)))
}

/// Types a term at once, and waits for the frame in which its list stands.
const SEARCH: &str = r"
    const [term, done] = arguments;
    const field = document.querySelector('[data-testid=search]');
    field.focus();
    const began = performance.now();
    field.value = term;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    const look = () => {
        if (field.getAttribute('aria-busy') === 'true') requestAnimationFrame(look);
        else done(performance.now() - began);
    };
    requestAnimationFrame(look);";

/// Searches of one and two words, whole and begun.
pub(crate) async fn searched(window: &Window) -> anyhow::Result<Times> {
    let mut all = Vec::new();
    for (at, word) in WORDS.iter().enumerate() {
        let other = WORDS.get((at * 7 + 3) % WORDS.len()).context("a word")?;
        let begun = word.get(..2).context("two letters")?;
        for term in [
            (*word).to_owned(),
            begun.to_owned(),
            format!("{other} {begun}"),
        ] {
            let took = window
                .client()
                .execute_async(SEARCH, vec![json!(term)])
                .await?;
            all.push(took.as_f64().context("a time")?);
        }
    }
    // Escape leaves the search.
    window.find("search").await?.send_keys("\u{e00c}").await?;
    Ok(Times::of(all))
}

/// Scrolls by so many pixels a frame for so many frames, to and fro at the ends; the times between
/// frames.
const SCROLL: &str = r"
    const [pixels, frames, done] = arguments;
    const list = document.querySelector('[data-testid=inbox-list] [role=list]');
    const times = [];
    let down = pixels;
    let last = performance.now();
    const step = (now) => {
        times.push(now - last);
        last = now;
        if (times.length > frames) return done(times.slice(1));
        const end = list.scrollHeight - list.clientHeight;
        if (list.scrollTop + down > end || list.scrollTop + down < 0) down = -down;
        list.scrollTop += down;
        requestAnimationFrame(step);
    };
    requestAnimationFrame(step);";

/// Pixels a frame: a quick hand at a wheel, and one at the bar.
const PACES: [u32; 2] = [40, 400];
const FRAMES: u32 = 300;
/// Longer than two frames of a display of 60 Hz: it is seen.
const LONG_MS: f64 = 34.0;

/// The whole list beside one of a hundred, in the same window: frames, and how many times as many the
/// whole list has.
pub(crate) async fn scrolled(window: &Window) -> anyhow::Result<Value> {
    let all = paces(window).await?;
    let short = format!("[data-testid='source'][data-kind='tag'][data-name='{SHORT}']");
    window.click_on(&short).await?;
    window.find("filter-source").await?;
    let hundred = paces(window).await?;
    let ratios = all
        .iter()
        .zip(&hundred)
        .map(|(all, short)| all.rate / short.rate);
    let report = |paces: &[Pace]| paces.iter().map(Pace::to_json).collect::<Vec<_>>();
    Ok(json!({
        "all": report(&all),
        "hundred": report(&hundred),
        "all_to_hundred": ratios.collect::<Vec<_>>(),
    }))
}

/// How a list scrolled at one pace.
struct Pace {
    pixels: u32,
    /// Frames a second.
    rate: f64,
    long: usize,
    worst: f64,
}

impl Pace {
    fn to_json(&self) -> Value {
        json!({
            "pixels_a_frame": self.pixels,
            "frames_a_second": self.rate,
            "long_frames": self.long,
            "worst_ms": self.worst,
        })
    }
}

async fn paces(window: &Window) -> anyhow::Result<Vec<Pace>> {
    let mut paces = Vec::new();
    for pixels in PACES {
        let arguments = vec![json!(pixels), json!(FRAMES)];
        let times = window.client().execute_async(SCROLL, arguments).await?;
        let times: Vec<f64> = serde_json::from_value(times)?;
        paces.push(Pace {
            pixels,
            rate: 1000.0 * times.len() as f64 / times.iter().sum::<f64>(),
            long: times.iter().filter(|&&time| time > LONG_MS).count(),
            worst: Times::of(times).at(1.0),
        });
    }
    Ok(paces)
}
