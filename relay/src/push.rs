//! Web Push: bringing messages to browsers that hold no connection.

pub(crate) mod vapid;
