//! What became of a sent message, for people and for exit codes. Pure.

use tidings_control::{Ask, Delivery, Outcome, Parcel, Progress, Recipient, Sent};

use crate::cli::Wait;

/// Whether what was waited for has come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has, for all.
    Done,
    /// For somebody it never will.
    Failed,
    /// Not yet.
    Open,
}

/// Whether it has. What fails for one is told once all the others are settled too.
pub(super) fn verdict(sent: &Sent, wait: Wait) -> Verdict {
    let of_parcels = sent.parcels.iter().map(|parcel| {
        let first = sent.draft.ask == Ask::First;
        of_parcel(parcel, wait, first)
    });
    together(of_parcels)
}

fn together(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut all = Verdict::Done;
    for verdict in verdicts {
        match verdict {
            Verdict::Open => return Verdict::Open,
            Verdict::Failed => all = Verdict::Failed,
            Verdict::Done => {}
        }
    }
    all
}

fn of_parcel(parcel: &Parcel, wait: Wait, first: bool) -> Verdict {
    match parcel.progress {
        Progress::Queued | Progress::Sending => return Verdict::Open,
        Progress::Unknown | Progress::Failed { .. } | Progress::Cancelled => {
            return Verdict::Failed;
        }
        Progress::Answered => {}
    }
    let acknowledged = |of: &Outcome| of.delivery == Delivery::Acknowledged;
    if wait == Wait::Acknowledged && first && parcel.recipients.iter().any(acknowledged) {
        return Verdict::Done;
    }
    if !matches!(wait, Wait::Seconds(_)) && parcel.recipients.is_empty() {
        // Nobody is in that group, so nobody will.
        return Verdict::Failed;
    }
    together(
        parcel
            .recipients
            .iter()
            .map(|of| of_delivery(of.delivery, wait)),
    )
}

fn of_delivery(delivery: Delivery, wait: Wait) -> Verdict {
    use Delivery::{
        Acknowledged, Cancelled, Delivered, Dismissed, Expired, Held, Other, Pushed, Read, Refused,
        Superseded, Waiting,
    };
    match (delivery, wait) {
        (Refused | Expired | Superseded | Cancelled, _) => Verdict::Failed,
        (_, Wait::Seconds(_)) | (Acknowledged, _) => Verdict::Done,
        (Delivered | Dismissed | Read, Wait::Delivered) => Verdict::Done,
        (Held | Waiting | Pushed | Other | Delivered | Dismissed | Read, _) => Verdict::Open,
    }
}

/// What became of a message, a line for each who got it.
pub(super) fn told(sent: &Sent) -> String {
    let lines = sent.parcels.iter().flat_map(|parcel| told_of(sent, parcel));
    lines.collect::<Vec<_>>().join("\n")
}

fn told_of(sent: &Sent, parcel: &Parcel) -> Vec<String> {
    let to = written(&parcel.to);
    let whole = match &parcel.progress {
        Progress::Answered if parcel.recipients.is_empty() => "nobody is in that group".to_owned(),
        Progress::Failed { reason } => format!("not sent: {reason}"),
        Progress::Unknown => {
            "the connection broke before the relay answered: it may have arrived".to_owned()
        }
        Progress::Cancelled => "taken back".to_owned(),
        Progress::Queued if sent.draft.due.is_some() => {
            format!("kept here until it is due (number {})", sent.id)
        }
        Progress::Queued => format!(
            "kept here until the relay can be reached (number {})",
            sent.id
        ),
        Progress::Sending => "on its way".to_owned(),
        Progress::Answered => {
            let each = parcel.recipients.iter();
            return each
                .map(|of| format!("{}: {}", of.name, became(of, sent)))
                .collect();
        }
    };
    vec![format!("{to}: {whole}")]
}

fn became(of: &Outcome, sent: &Sent) -> String {
    let note = of.history.iter().find(|step| !step.note.is_empty());
    match of.delivery {
        Delivery::Delivered => "delivered".to_owned(),
        Delivery::Waiting => "waiting: the relay keeps it until they connect".to_owned(),
        Delivery::Pushed => "handed to their push service".to_owned(),
        Delivery::Refused => {
            "refused: the relay knows nobody of that name, or too much waits for them already \
             (`tidings directory` lists whom it knows)"
                .to_owned()
        }
        Delivery::Held => format!("held by the relay until it is due (number {})", sent.id),
        Delivery::Dismissed => "delivered, and its notification closed".to_owned(),
        Delivery::Read => "read".to_owned(),
        Delivery::Acknowledged => match note {
            Some(step) => format!("acknowledged: {}", step.note),
            None => "acknowledged".to_owned(),
        },
        Delivery::Expired => "given up: its time was over first".to_owned(),
        Delivery::Superseded => "a later one took its place first".to_owned(),
        Delivery::Cancelled => "cancelled".to_owned(),
        Delivery::Other => "in a state this version does not know".to_owned(),
    }
}

/// A recipient as people write it.
pub(super) fn written(to: &Recipient) -> String {
    match to {
        Recipient::Person(name) => name.clone(),
        Recipient::Group(name) => format!("@{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_control::{Draft, Step, Words};

    fn parcel(progress: Progress, recipients: &[(&str, Delivery)]) -> Parcel {
        let outcome = |(name, delivery): &(&str, Delivery)| Outcome {
            name: (*name).to_owned(),
            delivery: *delivery,
            history: Vec::new(),
        };
        Parcel {
            to: Recipient::Group("ops".into()),
            progress,
            recipients: recipients.iter().map(outcome).collect(),
        }
    }

    fn sent(parcels: Vec<Parcel>) -> Sent {
        Sent {
            id: 7,
            draft: Draft::default(),
            written_at: 1,
            parcels,
        }
    }

    #[test]
    fn what_was_waited_for_has_come_about_or_not() {
        use Delivery::{Acknowledged, Delivered, Expired, Pushed, Read, Refused, Waiting};
        let answered = |recipients: &[_]| sent(vec![parcel(Progress::Answered, recipients)]);
        let (seconds, ok, ack) = (Wait::Seconds(1), Wait::Delivered, Wait::Acknowledged);
        for (recipients, expected) in [
            (
                vec![("ann", Waiting)],
                [Verdict::Done, Verdict::Open, Verdict::Open],
            ),
            (
                vec![("ann", Pushed)],
                [Verdict::Done, Verdict::Open, Verdict::Open],
            ),
            (
                vec![("ann", Delivered)],
                [Verdict::Done, Verdict::Done, Verdict::Open],
            ),
            (
                vec![("ann", Read)],
                [Verdict::Done, Verdict::Done, Verdict::Open],
            ),
            (vec![("ann", Acknowledged)], [Verdict::Done; 3]),
            (vec![("ann", Refused)], [Verdict::Failed; 3]),
            (
                vec![("ann", Expired), ("bob", Waiting)],
                [Verdict::Failed, Verdict::Open, Verdict::Open],
            ),
            (vec![], [Verdict::Done, Verdict::Failed, Verdict::Failed]),
        ] {
            let sent = answered(&recipients);
            let verdicts = [seconds, ok, ack].map(|wait| verdict(&sent, wait));
            assert_eq!(verdicts, expected, "{recipients:?}");
        }
        let mut first = answered(&[("ann", Acknowledged), ("bob", Delivered)]);
        assert_eq!(verdict(&first, ack), Verdict::Open);
        first.draft.ask = Ask::First;
        assert_eq!(verdict(&first, ack), Verdict::Done);
        let two = sent(vec![
            parcel(Progress::Unknown, &[]),
            parcel(Progress::Sending, &[]),
        ]);
        assert_eq!(verdict(&two, seconds), Verdict::Open);
    }

    #[test]
    fn what_became_of_it_is_a_line_each() {
        let mut acknowledged = parcel(Progress::Answered, &[("ann", Delivery::Acknowledged)]);
        acknowledged.recipients[0].history.push(Step {
            delivery: Delivery::Acknowledged,
            at: 5,
            note: "on it".into(),
        });
        let reason = Words::foreign("Too long.");
        let told = told(&sent(vec![
            acknowledged,
            parcel(Progress::Failed { reason }, &[]),
            parcel(Progress::Queued, &[]),
            parcel(Progress::Answered, &[]),
        ]));
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "ann: acknowledged: on it",
                "@ops: not sent: Too long.",
                "@ops: kept here until the relay can be reached (number 7)",
                "@ops: nobody is in that group",
            ]
        );
    }
}
