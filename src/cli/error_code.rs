//! How scripts recognise a failure: a code in JSON, and the exit status that `tms --help` lists.

/// The kind of a failure, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    Usage,
    NoSignIn,
    NotRevoked,
    NotDeleted,
    NotSignedIn,
    SignInEnded,
    AccessDenied,
    ExpiredToken,
    NoHelper,
    UnexpectedAnswer,
    LinkFailed,
    Interrupted,
    NoResponse,
    Refused,
    NotAllowed,
    InsufficientScope,
    Untrusted,
    Credentials,
    NoSuchKey,
    NoSuchHostAccount,
    KeyFiles,
    NoSsh,
    Internal,
}

impl ErrorCode {
    /// The member `error` in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::NoSignIn => "no_sign_in",
            Self::NotRevoked => "not_revoked",
            Self::NotDeleted => "not_deleted",
            Self::NotSignedIn => "not_signed_in",
            Self::SignInEnded => "sign_in_ended",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
            Self::NoHelper => "no_helper",
            Self::UnexpectedAnswer => "unexpected_answer",
            Self::LinkFailed => "not_linked",
            Self::Interrupted => "interrupted",
            Self::NoResponse => "no_answer",
            Self::Refused => "refused",
            Self::NotAllowed => "not_allowed",
            Self::InsufficientScope => "insufficient_scope",
            Self::Untrusted => "untrusted",
            Self::Credentials => "credentials",
            Self::NoSuchKey => "no_such_key",
            Self::NoSuchHostAccount => "no_such_host_account",
            Self::KeyFiles => "key_files",
            Self::NoSsh => "no_ssh",
            Self::Internal => "internal",
        }
    }

    /// The exit status of the process, as listed in `tms --help`.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Usage | Self::NoSignIn => 2,
            Self::NotSignedIn | Self::InsufficientScope => 3,
            Self::AccessDenied => 4,
            Self::ExpiredToken => 5,
            Self::SignInEnded => 6,
            Self::Interrupted => 130,
            Self::NotRevoked
            | Self::NotDeleted
            | Self::NoHelper
            | Self::UnexpectedAnswer
            | Self::LinkFailed
            | Self::NoResponse
            | Self::Refused
            | Self::NotAllowed
            | Self::Untrusted
            | Self::Credentials
            | Self::NoSuchKey
            | Self::NoSuchHostAccount
            | Self::KeyFiles
            | Self::NoSsh
            | Self::Internal => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_exit_statuses_stay_as_they_are() {
        for (error, code, status) in [
            (ErrorCode::Usage, "usage", 2),
            (ErrorCode::NoSignIn, "no_sign_in", 2),
            (ErrorCode::NotRevoked, "not_revoked", 1),
            (ErrorCode::NotDeleted, "not_deleted", 1),
            (ErrorCode::NotSignedIn, "not_signed_in", 3),
            (ErrorCode::SignInEnded, "sign_in_ended", 6),
            (ErrorCode::AccessDenied, "access_denied", 4),
            (ErrorCode::ExpiredToken, "expired_token", 5),
            (ErrorCode::NoHelper, "no_helper", 1),
            (ErrorCode::UnexpectedAnswer, "unexpected_answer", 1),
            (ErrorCode::LinkFailed, "not_linked", 1),
            (ErrorCode::Interrupted, "interrupted", 130),
            (ErrorCode::NoResponse, "no_answer", 1),
            (ErrorCode::Refused, "refused", 1),
            (ErrorCode::NotAllowed, "not_allowed", 1),
            (ErrorCode::InsufficientScope, "insufficient_scope", 3),
            (ErrorCode::Untrusted, "untrusted", 1),
            (ErrorCode::Credentials, "credentials", 1),
            (ErrorCode::NoSuchKey, "no_such_key", 1),
            (ErrorCode::NoSuchHostAccount, "no_such_host_account", 1),
            (ErrorCode::KeyFiles, "key_files", 1),
            (ErrorCode::NoSsh, "no_ssh", 1),
            (ErrorCode::Internal, "internal", 1),
        ] {
            assert_eq!((error.as_str(), error.exit_status()), (code, status));
        }
    }
}
