//! Detection of private keys in pasted text; they are never stored or shown again.

/// Format of a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateKeyKind {
    /// PEM or OpenSSH's format, with or without its first line.
    Pem,
    /// A PuTTY key file, or part of one.
    Putty,
}

/// Finds a private key in a text, however its lines are wrapped.
pub fn find(text: &str) -> Option<PrivateKeyKind> {
    /// Base64 of `openssh-key-v1`, with which every private key of OpenSSH begins.
    const OPENSSH: &str = "b3BlbnNzaC1rZXktdjE";
    if text.contains("PuTTY-User-Key-File") || text.contains("Private-Lines:") {
        return Some(PrivateKeyKind::Putty);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    (words.join(" ").contains("PRIVATE KEY") || words.concat().contains(OPENSSH)).then_some(PrivateKeyKind::Pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_key_is_found_however_it_is_wrapped() {
        for pem in ["-----BEGIN OPENSSH PRIVATE KEY-----", "BEGIN RSA\nPRIVATE\n KEY", "b3BlbnNz\naC1rZXktdjEAAAA"] {
            assert_eq!(find(pem), Some(PrivateKeyKind::Pem), "{pem}");
        }
        for putty in ["PuTTY-User-Key-File-3: ssh-ed25519", "Private-Lines: 1\nAAAA"] {
            assert_eq!(find(putty), Some(PrivateKeyKind::Putty), "{putty}");
        }
        assert_eq!(find("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIErqSGC5 jdoe@laptop"), None);
    }
}
