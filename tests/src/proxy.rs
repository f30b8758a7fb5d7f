//! A way to a relay that can die without a word, as connections do when a computer sleeps: what goes
//! in does not come out any more, and neither end is told.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Bytes passed on at a time.
const PIECE: usize = 16 * 1024;

/// A proxy on a port of its own. It and all its connections end when dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    /// Connections made, and how many of the first ones are dead.
    made: Arc<watch::Sender<u64>>,
    dead: Arc<watch::Sender<u64>>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// A way to that port of this computer.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(to: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let made = Arc::new(watch::Sender::new(0));
        let dead = Arc::new(watch::Sender::new(0));
        let mut accepting = JoinSet::new();
        let (counted, dies) = (Arc::clone(&made), Arc::clone(&dead));
        accepting.spawn(async move {
            let mut ways = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else {
                    continue;
                };
                counted.send_modify(|count| *count += 1);
                let number = *counted.borrow();
                let (from_near, to_near) = near.into_split();
                let (from_far, to_far) = far.into_split();
                ways.spawn(pass(from_near, to_far, number, dies.subscribe()));
                ways.spawn(pass(from_far, to_near, number, dies.subscribe()));
            }
        });
        Ok(Self {
            port,
            made,
            dead,
            _accepting: accepting,
        })
    }

    /// Its address, as people write it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Lets all connections of now die without a word. Later ones live.
    pub fn kill_silently(&self) {
        self.dead.send_replace(self.made());
    }

    /// How many connections were made.
    #[must_use]
    pub fn made(&self) -> u64 {
        *self.made.borrow()
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    number: u64,
    mut dead: watch::Receiver<u64>,
) {
    let passing = async {
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            let whole = piece.get(..length).unwrap_or_default();
            if to.write_all(whole).await.is_err() {
                return;
            }
        }
    };
    let dies = async {
        // The proxy goes with its test.
        let _ = dead.wait_for(|dead| *dead >= number).await;
    };
    tokio::select! {
        () = passing => {}
        () = dies => std::future::pending().await,
    }
}
