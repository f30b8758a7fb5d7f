//! Who may come in, and what for: the shared token, named tokens, the tickets that stand in for
//! them, and patience with wrong guesses.
//!
//! Invariants: secrets are compared in constant time and never printed; an address that keeps
//! guessing wrong is not even compared until it has waited; what a token that was taken back let in
//! is told by [`Gate::stands`].

mod tickets;

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use subtle::ConstantTimeEq as _;
use tidings_protocol::{Group, Name, Target};
use tokio::sync::watch;

pub(crate) use self::tickets::TicketError;
use self::tickets::Tickets;
use crate::{
    config::Token,
    pace::Pace,
    tokens::{Hash, NamedToken},
};

/// Wrong tokens an address may give at once: somebody who mistypes, a few misconfigured scripts.
const FREE_GUESSES: u32 = 10;
/// One more is granted each time this has passed.
const GUESS_EVERY: Duration = Duration::from_secs(5);

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The words of the reference.
    #[error("Token invalid")]
    Invalid,
    /// Too many wrong ones.
    #[error("Too many wrong tokens from this address: try again in {} s", .0.as_secs().max(1))]
    Wait(Duration),
}

/// What a token does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error("the token {0} may not send to {1}: use another one, or ask the relay's operator")]
    Send(String, String),
    #[error("the token {0} may not be {1}: use another one, or ask the relay's operator")]
    Receive(String, String),
}

/// As what somebody was let in.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    /// Anybody is.
    Open,
    /// By the shared token, which allows everything.
    Shared(Hash),
    /// By a token of a name.
    Named(Arc<NamedToken>),
}

impl Access {
    pub(crate) fn may_send(&self, target: &Target) -> Result<(), Denied> {
        match self {
            Self::Named(token) if !token.rights.send.allows(target) => {
                Err(Denied::Send(token.name.clone(), called(target)))
            }
            _ => Ok(()),
        }
    }

    /// Whether it may be the client of this name and group, and act in its name.
    pub(crate) fn may_be(&self, name: &Name, group: &Group) -> Result<(), Denied> {
        let Self::Named(token) = self else {
            return Ok(());
        };
        let name = Target::Personal(name.clone());
        let group = (!group.is_none()).then(|| Target::Group(group.clone()));
        match [Some(name), group]
            .into_iter()
            .flatten()
            .find(|target| !token.rights.receive.allows(target))
        {
            Some(target) => Err(Denied::Receive(token.name.clone(), called(&target))),
            None => Ok(()),
        }
    }

    /// The token it was let in by, if that has a name.
    pub(crate) fn token(&self) -> Option<&NamedToken> {
        match self {
            Self::Named(token) => Some(token),
            Self::Open | Self::Shared(_) => None,
        }
    }

    /// Where a request of this access goes that names no recipient.
    pub(crate) fn destination(&self) -> Option<&Target> {
        Some(self.token()?.to.as_ref()?.target())
    }

    fn hash(&self) -> Option<&Hash> {
        match self {
            Self::Open => None,
            Self::Shared(hash) => Some(hash),
            Self::Named(token) => Some(token.hash()),
        }
    }
}

fn called(target: &Target) -> String {
    match target {
        Target::Personal(name) => name.to_string(),
        Target::Group(group) => format!("in the group {group}"),
    }
}

/// Checks tokens and tickets.
#[derive(Debug)]
pub(crate) struct Gate {
    keys: RwLock<Arc<Keys>>,
    /// Tells that the keys were replaced.
    replaced: watch::Sender<()>,
    tickets: Tickets,
    guesses: Pace,
}

#[derive(Debug)]
struct Keys {
    /// A hash, so that a comparison tells nothing of a token's length either.
    shared: Option<Hash>,
    named: Vec<Arc<NamedToken>>,
}

impl Keys {
    fn new(shared: Option<&Token>, named: &[NamedToken]) -> Arc<Self> {
        Arc::new(Self {
            shared: shared.map(|token| Hash::of(token.expose())),
            named: named.iter().cloned().map(Arc::new).collect(),
        })
    }

    fn is_open(&self) -> bool {
        self.shared.is_none() && self.named.is_empty()
    }

    fn all(&self) -> impl Iterator<Item = Access> {
        let named = self.named.iter().cloned().map(Access::Named);
        self.shared.map(Access::Shared).into_iter().chain(named)
    }

    /// Compares with every one of them, so that the time tells nothing of which it was.
    fn find(&self, given: &Hash) -> Option<Access> {
        let mut found = None;
        for access in self.all() {
            let same = access
                .hash()
                .is_some_and(|hash| bool::from(hash.bytes().ct_eq(given.bytes())));
            if same {
                found = Some(access);
            }
        }
        found
    }
}

impl Gate {
    pub(crate) fn new(ticket_key: &[u8], shared: Option<&Token>, named: &[NamedToken]) -> Self {
        Self {
            keys: RwLock::new(Keys::new(shared, named)),
            replaced: watch::Sender::new(()),
            tickets: Tickets::new(ticket_key),
            guesses: Pace::new(FREE_GUESSES, GUESS_EVERY),
        }
    }

    fn keys(&self) -> Arc<Keys> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&keys)
    }

    /// From here on these tokens count, and no others.
    pub(crate) fn replace(&self, shared: Option<&Token>, named: &[NamedToken]) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Keys::new(shared, named);
        self.replaced.send_replace(());
    }

    /// Follows [`Self::replace`].
    pub(crate) fn replaced(&self) -> watch::Receiver<()> {
        self.replaced.subscribe()
    }

    /// What somebody who was let in as `access` may do now; `None` if the token is gone.
    pub(crate) fn stands(&self, access: &Access) -> Option<Access> {
        let keys = self.keys();
        match access.hash() {
            Some(hash) => keys.find(hash),
            None => keys.is_open().then_some(Access::Open),
        }
    }

    /// True when any token will do.
    pub(crate) fn is_open(&self) -> bool {
        self.keys().is_open()
    }

    pub(crate) fn check(&self, token: &str, from: IpAddr, now: Instant) -> Result<Access, Refusal> {
        let keys = self.keys();
        if keys.is_open() {
            return Ok(Access::Open);
        }
        self.patience(from, now)?;
        keys.find(&Hash::of(token)).ok_or_else(|| {
            self.wrong(from, now);
            Refusal::Invalid
        })
    }

    /// The holder of a token with a destination, where a path may hold its secret or a name. A text
    /// that is no such secret is not counted as a guess: these secrets are made here, of 256 random
    /// bits, which no guessing goes through.
    pub(crate) fn holder(&self, secret: &str) -> Option<Access> {
        let access = self.keys().find(&Hash::of(secret))?;
        access.destination().is_some().then_some(access)
    }

    /// Refuses an address that has guessed wrong too often.
    pub(crate) fn patience(&self, from: IpAddr, now: Instant) -> Result<(), Refusal> {
        match self.guesses.wait(from, now) {
            Some(wait) => Err(Refusal::Wait(wait)),
            None => Ok(()),
        }
    }

    /// Counts a wrong token or ticket.
    pub(crate) fn wrong(&self, from: IpAddr, now: Instant) {
        self.guesses.count(from, now);
    }

    /// What stands for the token that somebody came by, where it has to be kept.
    pub(crate) fn mark(&self, access: &Access) -> String {
        let mark = access.hash().map(|hash| self.tickets.mark(hash));
        mark.unwrap_or_default()
    }

    /// Whether the token of this mark still lets anybody be this client.
    pub(crate) fn mark_stands(&self, mark: &str, name: &Name, group: &Group) -> bool {
        let keys = self.keys();
        keys.is_open()
            || keys
                .all()
                .any(|access| self.mark(&access) == mark && access.may_be(name, group).is_ok())
    }

    /// A ticket that lets its holder be this client, as long as the access stands.
    pub(crate) fn issue(&self, access: &Access, name: &Name, group: &Group, now_ms: u64) -> String {
        self.tickets.issue(name, group, self.mark(access), now_ms)
    }

    /// Whose ticket it is, and what it allows. A ticket goes with the token it was given out by, and
    /// with its right to be that client.
    pub(crate) fn verify(&self, ticket: &str, now_ms: u64) -> Result<(Name, Access), TicketError> {
        let claims = self.tickets.verify(ticket, now_ms)?;
        let keys = self.keys();
        let access = if keys.is_open() {
            claims.by.is_empty().then_some(Access::Open)
        } else {
            // The signature stands, so there is no secret in `by` to be guessed by timing.
            keys.all().find(|access| {
                access
                    .hash()
                    .is_some_and(|hash| self.tickets.mark(hash) == claims.by)
            })
        };
        access
            .filter(|access| access.may_be(&claims.name, &claims.group).is_ok())
            .map(|access| (claims.name, access))
            .ok_or(TicketError::Foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{Rights, Scope};

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const NOW: u64 = 1_795_414_055_651;

    fn shared(token: &str) -> Token {
        Token::new(token).unwrap()
    }

    fn named(name: &str, send: &[&str], receive: &[&str]) -> (NamedToken, Token) {
        let scope = |list: &[&str]| Scope::parse(list.iter().copied()).unwrap();
        let rights = Rights {
            send: scope(send),
            receive: scope(receive),
        };
        NamedToken::generate(name, rights, 0).unwrap()
    }

    fn ann() -> (Name, Group) {
        (Name::new("ann").unwrap(), Group::new("g").unwrap())
    }

    #[test]
    fn line_08_guessing_is_slowed_per_address() {
        let gate = Gate::new(&[7; 32], Some(&shared("secret")), &[]);
        let start = Instant::now();
        let other = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
        let check = |token: &str, from, at| gate.check(token, from, at).map(drop);
        for _ in 0..FREE_GUESSES {
            assert_eq!(check("guess", HERE, start), Err(Refusal::Invalid));
        }
        assert!(matches!(
            check("secret", HERE, start),
            Err(Refusal::Wait(_))
        ));
        assert_eq!(check("secret", other, start), Ok(()));
        let later = start + GUESS_EVERY;
        assert_eq!(check("secret", HERE, later), Ok(()));
        assert_eq!(check("guess", HERE, later), Err(Refusal::Invalid));
        assert!(matches!(check("guess", HERE, later), Err(Refusal::Wait(_))));
    }

    #[test]
    fn a_ticket_goes_with_its_token() {
        let (name, group) = ann();
        let (token, secret) = named("a", &["*"], &["*"]);
        let gate = Gate::new(&[7; 32], Some(&shared("old")), std::slice::from_ref(&token));
        let ticket = |given: &str| {
            let access = gate.check(given, HERE, Instant::now()).unwrap();
            gate.issue(&access, &name, &group, NOW)
        };
        let (by_shared, by_named) = (ticket("old"), ticket(secret.expose()));
        let stands = |ticket: &str| gate.verify(ticket, NOW).is_ok();
        assert!(stands(&by_shared) && stands(&by_named));
        gate.replace(Some(&shared("new")), &[token]);
        assert!(!stands(&by_shared) && stands(&by_named));
        gate.replace(Some(&shared("old")), &[]);
        assert!(stands(&by_shared) && !stands(&by_named));
        gate.replace(None, &[]);
        assert!(!stands(&by_shared) && !stands(&by_named));
    }

    #[test]
    fn rights_are_those_of_the_token_given() {
        let (ci, ci_secret) = named("ci", &["ann", "@family"], &[]);
        let (laptop, laptop_secret) = named("laptop", &[], &["ann", "@g"]);
        let gate = Gate::new(&[7; 32], None, &[ci, laptop]);
        assert!(!gate.is_open());
        let access = |secret: &Token| gate.check(secret.expose(), HERE, Instant::now()).unwrap();
        let (name, group) = ann();
        let to = Target::Personal(name.clone());
        let (ci, laptop) = (access(&ci_secret), access(&laptop_secret));
        assert_eq!(ci.may_send(&to), Ok(()));
        let denied = laptop.may_send(&to).unwrap_err().to_string();
        assert!(denied.contains("laptop may not send to ann"), "{denied}");
        assert_eq!(laptop.may_be(&name, &group), Ok(()));
        assert_eq!(laptop.may_be(&name, &Group::none()), Ok(()));
        assert!(laptop.may_be(&name, &Group::new("h").unwrap()).is_err());
        assert!(ci.may_be(&name, &Group::none()).is_err());
    }

    #[test]
    fn who_was_let_in_by_a_token_that_is_gone_is_told() {
        let (token, secret) = named("a", &["*"], &["*"]);
        let gate = Gate::new(&[7; 32], Some(&shared("s")), std::slice::from_ref(&token));
        let by_named = gate.check(secret.expose(), HERE, Instant::now()).unwrap();
        let by_shared = gate.check("s", HERE, Instant::now()).unwrap();
        gate.replace(None, &[token]);
        assert!(gate.stands(&by_named).is_some() && gate.stands(&by_shared).is_none());
        assert!(gate.stands(&Access::Open).is_none());
        gate.replace(None, &[]);
        assert!(gate.stands(&by_named).is_none() && gate.stands(&Access::Open).is_some());
    }
}
