//! Which certificate a relay may show: what the person agreed to, kept with the relay.
//!
//! Invariant: only a certificate that the relay showed last is trusted, by the very fingerprint that
//! the person saw; one that came in between is asked about anew.

use tidings_session::Fingerprint;

use super::Setup;
use super::joining::not_joined;
use crate::types::{CertificateFault, Connection, Failure, RelayId};
use crate::words::Wrong;

impl Setup {
    pub(super) async fn trust(&mut self, id: &RelayId, fingerprint: &str) -> Result<(), Failure> {
        let Ok(agreed) = fingerprint.parse::<Fingerprint>() else {
            return Err(Failure::Invalid(Wrong::Fingerprint.into()));
        };
        let status = self.parts.board.status();
        let fault = match status.relay(id).map(|relay| &relay.connection) {
            Some(Connection::Untrusted { certificate, .. })
                if certificate.shown == agreed.to_string()
                    && certificate.fault.may_be_trusted() =>
            {
                certificate.fault
            }
            Some(_) => {
                return Err(Failure::Invalid(Wrong::OtherCertificate.into()));
            }
            None => return Err(not_joined()),
        };
        let relays = &mut self.parts.stored.relays;
        let member = relays.iter_mut().find(|member| member.id == *id);
        let member = member.ok_or_else(not_joined)?;
        // One that the system trusts is renewed before long, and needs nobody's word.
        let pin = (fault != CertificateFault::Vouched).then(|| agreed.to_string());
        member.pinned = pin;
        self.save().await;
        self.hang_up(id).await;
        self.connect(id).await;
        Ok(())
    }
}
