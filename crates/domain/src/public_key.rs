//! What others need to verify our tokens.

/// The public half of an Ed25519 key (RFC 8032) that signs tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The `kid` of the tokens that it verifies.
    pub id: String,
    /// The key itself.
    pub ed25519: [u8; 32],
}
