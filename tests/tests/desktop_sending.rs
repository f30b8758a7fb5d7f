//! What is written while the relay is away goes out once and in order when it comes back, however often
//! the agent dies on the way.

use std::ops::Range;

use anyhow::Context;
use tidings_control::{Answer, Delivery, Draft, Filter, Recipient, Request, Sent};
use tidings_tests::agent::Agent;
use tidings_tests::relay::{Relay, TOKEN};
use tidings_tests::{Rig, test, wait};

/// Messages that are written offline.
const WRITTEN: u32 = 1_000;

/// How often the agent is killed while they go out.
const KILLS: usize = 10;

/// Messages of a page of the inbox and of what was sent.
const PAGE: u32 = 200;

/// Writes messages to bob, titled by their numbers.
async fn write(ann: &Agent, numbers: Range<u32>) -> anyhow::Result<()> {
    for number in numbers {
        let draft = Draft {
            to: vec![Recipient::Person("bob".to_owned())],
            title: number.to_string(),
            ..Draft::default()
        };
        ann.ask(Request::Send { draft, kept: None }).await?;
    }
    Ok(())
}

/// The titles of all that came, the first first.
async fn came(bob: &Agent) -> anyhow::Result<Vec<String>> {
    let (mut titles, mut before) = (Vec::new(), None);
    loop {
        let page = Request::Inbox {
            before,
            limit: PAGE,
            filter: Filter::default(),
        };
        let Answer::Inbox(rows) = bob.ask(page).await? else {
            anyhow::bail!("no inbox");
        };
        let Some(last) = rows.last() else { break };
        before = Some(last.id);
        titles.extend(rows.into_iter().map(|row| row.title));
    }
    titles.reverse();
    Ok(titles)
}

/// How many of what was sent reads "delivered".
async fn delivered(ann: &Agent) -> anyhow::Result<usize> {
    let is = |sent: &&Sent| {
        let mut outcomes = sent.parcels.iter().flat_map(|parcel| &parcel.recipients);
        outcomes.any(|outcome| outcome.delivery == Delivery::Delivered)
    };
    let (mut count, mut before) = (0, None);
    loop {
        let page = Request::Sent {
            before,
            limit: PAGE,
            search: String::new(),
        };
        let Answer::Sent(page) = ann.ask(page).await? else {
            anyhow::bail!("no page of sent messages");
        };
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        count += page.iter().filter(is).count();
    }
    Ok(count)
}

#[tokio::test]
async fn a_thousand_written_offline_go_out_once_and_in_order_however_often_the_agent_is_killed()
-> anyhow::Result<()> {
    test(async |rig| {
        let mut relay = Relay::new()?;
        relay.start(&rig.home, &rig.programs).await?;
        let bobs = Rig::bare().await?;
        let bob = bobs.agent().await?;
        bob.join(relay.address(), "bob", TOKEN).await?;
        bob.until_connected().await?;
        relay.kill();

        let ann = rig.agent().await?;
        ann.join(relay.address(), "ann", TOKEN).await?;
        write(&ann, 0..WRITTEN / 2).await?;
        // What is written is kept, whatever happens to whoever took it.
        ann.kill().await?;
        let mut ann = rig.agent().await?;
        write(&ann, WRITTEN / 2..WRITTEN).await?;

        let seed = fastrand::u64(..);
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut points: Vec<u32> = (0..KILLS).map(|_| chance.u32(1..WRITTEN)).collect();
        points.sort_unstable();
        relay.start(&rig.home, &rig.programs).await?;
        for &point in &points {
            let some = bob.until("some of them", |status| status.unread >= point);
            some.await.with_context(|| format!("seed {seed}"))?;
            ann.kill().await?;
            ann = rig.agent().await?;
        }
        wait::until("the last one", wait::START, async || {
            let count = delivered(&ann).await?;
            anyhow::ensure!(
                count == WRITTEN as usize,
                "seed {seed}: {count} are delivered"
            );
            Ok(Some(()))
        })
        .await?;
        let expected: Vec<_> = (0..WRITTEN).map(|number| number.to_string()).collect();
        assert_eq!(came(&bob).await?, expected, "seed {seed}, {points:?}");
        Ok(())
    })
    .await
}
