//! What news of the world does: waking, another network.

use super::*;
use proptest::prelude::*;

const RESET: &str = "state waiting: the connection to the relay broke (reset)";
const SILENT: &str = "state waiting: the relay stopped answering: the network may have changed";

fn lost() -> Input<'static> {
    Input::Lost("reset".into())
}

/// A session that has failed so often that it waits for long.
fn discouraged(seed: u64) -> Story {
    let mut story = Story::with_seed(seed);
    for _ in 0..10 {
        let authority = "h:1".to_owned();
        story.feed(Input::DialFailed(DialError::Unreachable { authority }));
        story.timeout();
    }
    let authority = "h:1".to_owned();
    story.feed(Input::DialFailed(DialError::Unreachable { authority }));
    story
}

#[test]
fn an_open_line_is_tested_and_trusted_again_when_it_answers() {
    let mut story = Story::online(WELCOME);
    assert_eq!(story.feed(Input::Probe), ["> PING"]);
    assert_eq!(story.until_timeout(), PROBE_ANSWER);
    // What was on its way proves nothing about the other direction.
    assert_eq!(story.feed(Input::Frame(&message("1"))), ["message 1"]);
    assert_eq!(story.feed(Input::Frame(PONG)), ["answered"]);
    // Only after news is an answer worth telling.
    story.timeout();
    assert!(story.feed(Input::Frame(PONG)).is_empty());
}

#[test]
fn a_dead_line_is_replaced_within_moments_however_young_it_was() {
    for seed in 0..20 {
        let mut story = Story::with_seed(seed);
        // It was no proof that the relay is well, and the back-off had grown.
        for _ in 0..6 {
            story.go_online(WELCOME);
            story.feed(lost());
            story.timeout();
        }
        story.go_online(WELCOME);
        assert_eq!(story.feed(Input::Probe), ["> PING"]);
        assert_eq!(story.until_timeout(), PROBE_ANSWER);
        assert_eq!(story.timeout(), ["hang up", SILENT]);
        assert!(story.until_timeout() <= backoff::BASE);
        assert_eq!(story.timeout(), ["state dialing", "dial"]);
    }
}

#[test]
fn who_waits_dials_within_a_moment() {
    let mut story = discouraged(3);
    let said = story.feed(Input::Probe);
    assert_eq!(
        said,
        ["state waiting: h:1 cannot be reached: check the network"],
        "the faces hear of the new time"
    );
    assert!(story.until_timeout() <= backoff::BASE);
    assert_eq!(story.timeout(), ["state dialing", "dial"]);
}

#[test]
fn news_never_puts_an_attempt_off() {
    for seed in 0..50 {
        let mut story = Story::online(WELCOME);
        story.machine.rng = fastrand::Rng::with_seed(seed);
        assert!(story.feed(lost()).contains(&RESET.to_owned()));
        let before = story.until_timeout();
        story.feed(Input::Probe);
        assert!(story.until_timeout() <= before);
    }
}

#[test]
fn an_attempt_under_way_gets_five_seconds_more_and_is_made_anew_at_once() {
    let mut story = discouraged(5);
    story.timeout();
    assert_eq!(story.until_timeout(), DIAL);
    assert!(story.feed(Input::Probe).is_empty());
    assert_eq!(story.until_timeout(), PROBE_ANSWER);
    story.timeout();
    assert!(story.until_timeout() <= backoff::BASE);
    story.timeout();
    story.feed(Input::Opened);
    assert_eq!(story.until_timeout(), AUTH);
    story.feed(Input::Probe);
    assert_eq!(story.until_timeout(), PROBE_ANSWER);
    // An attempt that comes about is proof enough.
    assert_eq!(story.feed(Input::Frame(WELCOME)), ["state online"]);
    assert!(story.until_timeout() >= keepalive::IDLE_MIN);
}

#[test]
fn a_truce_and_a_refusal_outlast_any_news() {
    let mut story = Story::begin();
    story.feed(Input::Opened);
    story.feed(Input::Frame(DENIED));
    assert!(story.feed(Input::Probe).is_empty());
    assert_eq!(story.machine.poll_timeout(), None);
}

#[test]
fn an_office_that_wakes_together_does_not_call_together() {
    let mut at: Vec<u128> = (0..200)
        .map(|seed| {
            let mut story = discouraged(seed);
            story.feed(Input::Probe);
            story.until_timeout().as_millis()
        })
        .collect();
    at.sort_unstable();
    let most = at
        .chunk_by(|a, b| a / 100 == b / 100)
        .map(<[u128]>::len)
        .max();
    assert!(most < Some(45), "{most:?} of 200 in a tenth of a second");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// A network that comes and goes, however fast, makes no more attempts than the pace of news and
    /// the back-off between allow: not one a second.
    #[test]
    fn news_without_end_does_not_storm(
        seed: u64,
        gaps in prop::collection::vec(1u64..3_000, 50..200),
    ) {
        let mut story = discouraged(seed);
        let start = story.now;
        let mut dials = 0_u32;
        for gap in gaps {
            let next = story.now + Duration::from_millis(gap);
            while story.machine.poll_timeout().is_some_and(|at| at <= next) {
                dials += u32::from(story.timeout().contains(&"dial".to_owned()));
                let authority = "h:1".to_owned();
                story.feed(Input::DialFailed(DialError::Unreachable { authority }));
            }
            story.now = next;
            story.feed(Input::Probe);
        }
        let paces = (story.now - start).as_secs() / backoff::NEWS_PACE.as_secs() + 1;
        // After each piece of news that counts: within 1 s, then 2, 4 and 8 s at most.
        prop_assert!(u64::from(dials) <= paces * 6, "{dials} in {:?}", story.now - start);
    }
}
