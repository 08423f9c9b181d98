//! Authenticator apps: codes of six digits, a new one every 30 seconds (RFC 6238).

use totp_rs::{Algorithm, Builder, Totp};

use crate::domain::ids::{TenantId, UserId};
use crate::domain::second_factor::SecondFactorCode;
use crate::server::service::auth::principals::{RecentlyAuthenticated, SignedIn};
use crate::server::service::auth::second_factors::enrollment::{CreatedFactor, EnrollmentRefused, NewFactor};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};

/// What an app needs to be set up.
pub struct AppEnrollment {
    /// The secret in base32, for typing (RFC 4648 §6).
    pub secret: String,
    /// The same as a URL with the names to show, for a QR code.
    pub otpauth_url: String,
}

impl Services {
    /// A secret for a new app; has no effect until a code of the app is submitted.
    pub fn new_app_secret(&self) -> Secret {
        let mut bytes = [0_u8; 20];
        self.rng().fill(&mut bytes);
        Secret::from_plaintext(totp_rs::Secret::from(bytes).to_base32())
    }

    pub fn app_enrollment(&self, person: &SignedIn, secret: &str) -> Result<AppEnrollment, Fault> {
        // A colon would end the issuer's name.
        let plain = |name: &str| name.replace(':', " ");
        let named = totp_builder(secret)?.with_account_name(plain(person.user_id().as_str())).with_issuer(Some(plain(person.tenant_name())));
        let address = named.build().and_then(|app| app.to_url()).map_err(Fault::new)?;
        Ok(AppEnrollment { secret: secret.to_owned(), otpauth_url: address })
    }

    /// Enrolls an app after verifying one of its codes, which is then used up.
    pub async fn enroll_app(&self, person: &RecentlyAuthenticated, secret: &str, typed: &str) -> Result<CreatedFactor, Error<EnrollmentRefused>> {
        let Some(SecondFactorCode::App(code)) = SecondFactorCode::parse(typed) else { return Err(Error::Refused(EnrollmentRefused::WrongCode)) };
        let step = self.step_of(secret, &code)?.ok_or(Error::Refused(EnrollmentRefused::WrongCode))?;
        let secret_sealed = self.seal(&sealing_context(person.tenant_id(), person.user_id()), &Secret::from_plaintext(secret))?;
        self.enroll_factor(person, NewFactor::App { secret_sealed, step }).await
    }

    /// The time step for which this code is valid; `None` if it is for none.
    pub(in crate::server::service) fn matching_step(
        &self,
        tenant: &TenantId,
        user: &UserId,
        sealed: &[u8],
        code: &str,
    ) -> Result<Option<i64>, Fault> {
        let secret = self.unseal(&sealing_context(tenant, user), sealed)?;
        self.step_of(secret.reveal(), code)
    }

    fn step_of(&self, secret: &str, code: &str) -> Result<Option<i64>, Fault> {
        let app: Totp = totp_builder(secret)?.with_account_name("app").build().map_err(Fault::new)?;
        let seconds = u64::try_from(self.now().as_seconds()).unwrap_or_default();
        Ok(app.check(code, seconds).and_then(|step| i64::try_from(step).ok()))
    }
}

/// Parameters that all apps support: SHA-1, six digits, 30 seconds; codes are valid one step early or late.
fn totp_builder(secret: &str) -> Result<Builder, Fault> {
    let secret = totp_rs::Secret::try_from_base32(secret).map_err(Fault::new)?;
    Ok(Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1).with_step_duration(30).with_secret(secret))
}

pub fn sealing_context(tenant: &TenantId, user: &UserId) -> String {
    format!("app\n{tenant}\n{user}")
}
