//! Hours in moments: a desktop without a notification service, and a computer that sleeps, each with
//! an inbox beside the flow that does what it is asked.

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

/// A flow, an inbox and a desktop, and what was told.
struct Desk {
    story: Story,
    /// Whether a notification service is there.
    serves: bool,
    due: Vec<MessageId>,
    /// Which messages each notification told for the first time.
    told: Vec<Vec<MessageId>>,
    confirmed: usize,
}

impl Desk {
    fn new(serves: bool) -> Self {
        let mut desk = Self {
            story: Story::new(),
            serves,
            due: Vec::new(),
            told: Vec::new(),
            confirmed: 0,
        };
        desk.feed(Input::Start);
        desk.run(MINUTE);
        desk
    }

    fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for output in self.story.after(input) {
                match output {
                    Output::Look { .. } => inputs.push_back(found(&self.due)),
                    Output::Raise(_) if !self.serves => {
                        inputs.push_back(Input::NotRaised(Why::NobodyThere));
                    }
                    Output::Raise(what) => {
                        self.told.push(what.ids());
                        inputs.push_back(Input::Raised);
                    }
                    Output::Mark(ids) => {
                        self.due.retain(|id| !ids.contains(id));
                        inputs.push_back(Input::Marked);
                    }
                    Output::Confirm(..) => self.confirmed += 1,
                    Output::Tell(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn come(&mut self, ids: std::ops::RangeInclusive<MessageId>) {
        for id in ids {
            self.due.push(id);
            self.feed(Input::Stored(relay(), mid(id), Stored::New(row(id))));
        }
    }

    /// Lets so much time pass.
    fn run(&mut self, time: Duration) {
        let end = self.story.now + time;
        while let Some(at) = self.story.flow.poll_timeout().filter(|at| *at <= end) {
            self.story.now = self.story.now.max(at);
            self.feed(Input::Timeout);
        }
        self.story.now = end;
    }
}

#[test]
fn an_hour_without_a_daemon_loses_nothing_and_is_told_in_one() {
    let mut desk = Desk::new(false);
    for minute in 0..60 {
        desk.come(minute + 1..=minute + 1);
        assert_eq!(desk.confirmed, usize::try_from(minute).unwrap() + 1);
        desk.run(MINUTE);
    }
    assert_eq!(desk.told, Vec::<Vec<MessageId>>::new());
    desk.serves = true;
    desk.feed(Input::CameBack);
    desk.run(MINUTE);
    assert_eq!(desk.told, [(1..=60).collect::<Vec<_>>()]);
    desk.come(61..=61);
    desk.run(MINUTE);
    assert_eq!(desk.told[1..], [vec![61]], "and the next one as ever");
    assert!(desk.due.is_empty());
}

#[test]
fn a_night_of_sleep_is_told_in_one_however_late_the_line_comes_up() {
    for until_proven in [0, 3, 9, 15] {
        let mut desk = Desk::new(true);
        desk.feed(Input::Sleeps);
        desk.come(1..=2);
        desk.run(Duration::from_secs(2));
        assert!(desk.told.is_empty(), "nobody is there to see it");
        // The clock of the computer's running stands still in the night.
        desk.feed(Input::Woke);
        desk.run(Duration::from_secs(until_proven));
        desk.feed(Input::Back);
        for id in 3..=40 {
            desk.come(id..=id);
            desk.run(Duration::from_millis(20));
        }
        desk.run(MINUTE);
        let all: Vec<_> = desk.told.iter().flatten().copied().collect();
        assert_eq!(all, (1..=40).collect::<Vec<_>>());
        if until_proven <= WAKING.as_secs() {
            assert_eq!(
                desk.told.len(),
                1,
                "after {until_proven} s: {:?}",
                desk.told
            );
        } else {
            // The two of before were told when no network came up.
            assert_eq!(
                desk.told.len(),
                3,
                "after {until_proven} s: {:?}",
                desk.told
            );
        }
    }
}
