//! Proofs of access: what a grant of access is derived from.

use crate::{Email, PasswordHash, SessionId, UserId};

/// The facts from which a grant of access is derived: the session that asked, the password hash that was verified, the
/// address that was confirmed.
///
/// Verifying them and writing the grant are two steps, and the owner may revoke access between them. So every method of a
/// port that grants access takes the proof, and checks it again in the transaction that writes the grant (OWASP ASVS 5.0,
/// 15.4.2: no time of check to time of use).
///
/// ```
/// use todo_domain::{AccessProof, PasswordHash, UserId};
///
/// let user: UserId = "0192f0c1-2345-7abc-8def-0123456789ab".parse()?;
/// let proof = AccessProof::new(user).with_password_hash(PasswordHash::new("$argon2id$…".to_owned()));
/// assert_eq!(proof.user_id(), user);
/// assert!(proof.session().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessProof {
    user_id: UserId,
    session: Option<SessionId>,
    password_hash: Option<PasswordHash>,
    email: Option<Email>,
}

impl AccessProof {
    /// The proof that holds as long as the user exists.
    #[must_use]
    pub fn new(user_id: UserId) -> Self {
        Self {
            user_id,
            session: None,
            password_hash: None,
            email: None,
        }
    }

    /// Adds the condition that this session of the user exists.
    #[must_use]
    pub fn with_session(self, id: SessionId) -> Self {
        Self {
            session: Some(id),
            ..self
        }
    }

    /// Adds the condition that the user's password hash is this one.
    #[must_use]
    pub fn with_password_hash(self, hash: PasswordHash) -> Self {
        Self {
            password_hash: Some(hash),
            ..self
        }
    }

    /// Adds the condition that the address of the account is this one.
    #[must_use]
    pub fn with_email(self, email: Email) -> Self {
        Self {
            email: Some(email),
            ..self
        }
    }

    /// The user whose access it is.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The session that must exist.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// The password hash that the user must have.
    #[must_use]
    pub fn password_hash(&self) -> Option<&PasswordHash> {
        self.password_hash.as_ref()
    }

    /// The address that the account must have.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        self.email.as_ref()
    }
}

/// The extent of a revocation. Sessions with their refresh tokens, e-mail tokens and pending changes of the address are
/// always revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Revocation {
    /// The session that continues.
    pub except: Option<SessionId>,
    /// Whether personal access tokens are revoked as well.
    pub tokens: bool,
}
