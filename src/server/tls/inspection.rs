//! Why clients would refuse the operator's certificate, and when it expires.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::parse_x509_certificate;

use crate::domain::time::{Timestamp, humanize_duration};

/// A certificate that expires within this time should have been renewed.
const EXPIRES_SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// What the operator should know about a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateFinding {
    /// Clients refuse it.
    Refused(String),
    /// It works for now, or for some clients.
    Warning(String),
}

/// From when until when a certificate is valid; `None` if it cannot be read.
pub fn validity(certificate: &CertificateDer<'_>) -> Option<(Timestamp, Timestamp)> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let validity = certificate.validity();
    let [from, until] = [validity.not_before, validity.not_after].map(|time| Timestamp::from_millis(time.timestamp().saturating_mul(1_000)));
    Some((from, until))
}

/// Reports a certificate that is not valid now, or expires soon.
pub fn inspect_validity(certificate: &CertificateDer<'_>, now: Timestamp) -> Option<CertificateFinding> {
    let (from, until) = validity(certificate)?;
    if now < from {
        let from = from.humanize();
        return Some(CertificateFinding::Refused(format!("the certificate is not valid before {from}: its time, or that of this machine, is wrong")));
    }
    if until < now {
        return Some(CertificateFinding::Refused(format!("the certificate expired on {}: renew it", until.humanize())));
    }
    let left = until.since(now);
    (left <= EXPIRES_SOON)
        .then(|| CertificateFinding::Warning(format!("the certificate expires on {}, in {}: renew it", until.humanize(), humanize_duration(left))))
}

/// Reports what clients refuse at any time, and issuers that are missing or in the wrong order.
pub fn inspect_chain(chain: &[CertificateDer<'_>]) -> Vec<CertificateFinding> {
    let parsed: Vec<X509Certificate> = chain.iter().filter_map(|der| Some(parse_x509_certificate(der).ok()?.1)).collect();
    let Some(server) = parsed.first() else { return Vec::new() };
    let mut findings = Vec::new();
    if server.is_ca() {
        findings.push(CertificateFinding::Refused(
            "the certificate is that of a certificate authority (CA:TRUE), which tms, tms-keycmd and other clients refuse for a server \
             (CaUsedAsEndEntity); openssl req -x509 makes one for a server with -addext basicConstraints=critical,CA:FALSE"
                .into(),
        ));
    }
    let usage = server.extended_key_usage().ok().flatten();
    if usage.is_some_and(|usage| !usage.value.server_auth && !usage.value.any) {
        findings.push(CertificateFinding::Refused("the certificate is not for servers: its extended key usage lacks serverAuth".into()));
    }
    match &parsed[..] {
        [alone] if !is_issued_by(alone, alone) => findings.push(CertificateFinding::Warning(format!(
            "the file has the server's certificate only: clients that do not know its issuer ({}) refuse it; add the intermediate certificates, \
             unless that is a root which clients trust",
            alone.issuer()
        ))),
        chain if !chain.is_sorted_by(|one, next| is_issued_by(one, next)) => findings.push(CertificateFinding::Warning(
            "the certificates in the file are in the wrong order, or one is missing: some clients require each to be followed by its issuer".into(),
        )),
        _ => {}
    }
    findings
}

/// By name; clients verify the signature.
fn is_issued_by(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    certificate.issuer().as_raw() == issuer.subject().as_raw()
}

/// The public key, with its algorithm (`SubjectPublicKeyInfo`).
pub fn public_key(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    Some(certificate.public_key().raw.to_vec())
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn named(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, name);
        params
    }

    fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
    }

    fn issued_by(params: &CertificateParams, issuer: &Issuer<'_, KeyPair>) -> CertificateDer<'static> {
        params.signed_by(&KeyPair::generate().expect("a key"), issuer).expect("a certificate").der().clone()
    }

    fn self_signed(params: &CertificateParams) -> CertificateDer<'static> {
        params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").der().clone()
    }

    fn text(findings: &[CertificateFinding]) -> Vec<String> {
        let text = |finding: &CertificateFinding| match finding {
            CertificateFinding::Refused(text) => format!("refused: {text}"),
            CertificateFinding::Warning(text) => format!("warning: {text}"),
        };
        findings.iter().map(text).collect()
    }

    #[test]
    fn validity_is_judged_at_the_given_time() {
        let mut params = named("tms.example.org");
        params.not_before = date_time_ymd(2026, 11, 1);
        params.not_after = date_time_ymd(2026, 12, 1);
        let certificate = self_signed(&params);
        let (from, until) = validity(&certificate).expect("readable");
        let found = |now| inspect_validity(&certificate, now);
        let before = Timestamp::from_millis(from.as_millis() - 1);
        assert!(matches!(found(before), Some(CertificateFinding::Refused(why)) if why.contains("not valid before 1 November 2026, 00:00 UTC")));
        let two_weeks = Timestamp::from_millis(until.as_millis() - 14 * 86_400_000 - 1);
        for fine in [from, from + DAY, two_weeks] {
            assert_eq!(found(fine), None, "{fine:?}");
        }
        let soon = found(Timestamp::from_millis(until.as_millis() - 5 * 86_400_000));
        assert_eq!(soon, Some(CertificateFinding::Warning("the certificate expires on 1 December 2026, 00:00 UTC, in 5 days: renew it".into())));
        assert!(matches!(found(until), Some(CertificateFinding::Warning(_))));
        let expired = Some(CertificateFinding::Refused("the certificate expired on 1 December 2026, 00:00 UTC: renew it".into()));
        assert_eq!(found(Timestamp::from_millis(until.as_millis() + 1)), expired);
    }

    #[test]
    fn certificates_that_clients_refuse_are_found() {
        let mut params = named("tms.example.org");
        assert!(inspect_chain(&[self_signed(&params)]).is_empty());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let found = text(&inspect_chain(&[self_signed(&params)]));
        assert!(matches!(&found[..], [one] if one.starts_with("refused: ") && one.contains("serverAuth")), "{found:?}");
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        assert!(inspect_chain(&[self_signed(&params)]).is_empty());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let found = text(&inspect_chain(&[self_signed(&params)]));
        assert!(matches!(&found[..], [one] if one.starts_with("refused: ") && one.contains("CA:TRUE")), "{found:?}");
        assert!(inspect_chain(&[]).is_empty());
        assert!(inspect_chain(&[CertificateDer::from(vec![1, 2, 3])]).is_empty());
    }

    #[test]
    fn missing_and_misplaced_issuers_are_found() {
        let root = authority("Root");
        let mut params = named("Intermediate");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let intermediate = CertifiedIssuer::signed_by(params, KeyPair::generate().expect("a key"), &root).expect("an authority");
        let server = issued_by(&named("tms.example.org"), &intermediate);
        let [middle, top] = [intermediate.der().clone(), root.der().clone()];
        assert!(inspect_chain(&[server.clone(), middle.clone()]).is_empty());
        assert!(inspect_chain(&[server.clone(), middle.clone(), top.clone()]).is_empty());
        for (chain, word) in [
            (vec![server.clone()], "(CN=Intermediate)"),
            (vec![server.clone(), top.clone()], "wrong order"),
            (vec![server.clone(), top, middle], "wrong order"),
            (vec![server.clone(), server], "wrong order"),
        ] {
            let found = text(&inspect_chain(&chain));
            assert!(matches!(&found[..], [one] if one.starts_with("warning: ") && one.contains(word)), "{word}: {found:?}");
        }
    }
}
