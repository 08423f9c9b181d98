//! The operator's certificate while it is in use: it is replaced when its files have changed, and its expiry is reported in advance.

use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;

use super::inspection::{CertificateFinding, inspect_validity};
use super::{OperatorCertificate, file_version, from_files, verify_host};
use crate::domain::time::Timestamp;

/// How often a certificate that has expired, or soon will, is reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The certificate with which connections are accepted.
pub struct ServedCertificate {
    current: OperatorCertificate,
    tls: RustlsConfig,
    last_report: Option<Report>,
}

/// A report on the certificate's validity.
struct Report {
    at: Timestamp,
    refused: bool,
}

impl ServedCertificate {
    pub fn new(certificate: OperatorCertificate) -> Self {
        let tls = RustlsConfig::from_config(certificate.config.clone());
        Self { current: certificate, tls, last_report: None }
    }

    /// The configuration of the listener, which follows every replacement.
    pub fn tls(&self) -> RustlsConfig {
        self.tls.clone()
    }

    pub fn expires_at(&self) -> Option<Timestamp> {
        self.current.expires_at()
    }

    /// Refuses a new certificate that clients would refuse. The same one as before may be read again even after its end, so that other
    /// settings can be reloaded.
    pub fn check_replacement(&self, new: &OperatorCertificate, now: Timestamp) -> Result<(), String> {
        if new.chain.first() == self.current.chain.first() {
            return Ok(());
        }
        if let (Some(host), Some(first)) = (&self.current.files.host, new.chain.first()) {
            let file = new.files.certificate.display();
            verify_host(first, host).map_err(|error| format!("--tls-cert: {file} is not for {host}, the host of the URL in use: {error}"))?;
        }
        let refused = new.findings(now).into_iter().filter_map(|finding| match finding {
            CertificateFinding::Refused(why) => Some(format!("--tls-cert: {}: {why}", new.files.certificate.display())),
            CertificateFinding::Warning(_) => None,
        });
        let refused: Vec<String> = refused.collect();
        if refused.is_empty() { Ok(()) } else { Err(refused.join("; ")) }
    }

    /// Uses another certificate for new connections; open ones continue.
    pub fn replace(&mut self, new: OperatorCertificate) {
        let host = self.current.files.host.take();
        self.tls.reload_from_config(new.config.clone());
        self.current = new;
        // The URL in use changes only with a restart.
        self.current.files.host = host;
        self.last_report = None;
    }

    /// Reads the files again if they have changed. `None`: they have not. `Err`: the certificate stays, and the next call tries again.
    pub fn reload_if_changed(&mut self, now: Timestamp) -> Option<Result<(), String>> {
        let files = &self.current.files;
        if [&files.certificate, &files.key].map(|file| file_version(file)) == files.versions {
            return None;
        }
        let new = from_files(&files.certificate, &files.key, files.host.as_deref());
        Some(new.and_then(|new| self.check_replacement(&new, now).map(|()| self.replace(new))))
    }

    /// Logs what is wrong with the certificate: everything the first time and after a replacement, then its validity once a day and when it
    /// ends.
    pub fn report(&mut self, now: Timestamp) {
        for finding in self.due_findings(now) {
            match finding {
                CertificateFinding::Refused(why) => tracing::error!(why, "Clients refuse the TLS certificate"),
                CertificateFinding::Warning(why) => tracing::warn!(why, "The TLS certificate needs attention"),
            }
        }
    }

    fn due_findings(&mut self, now: Timestamp) -> Vec<CertificateFinding> {
        let validity = self.current.chain.first().and_then(|first| inspect_validity(first, now));
        let refused = matches!(validity, Some(CertificateFinding::Refused(_)));
        let findings = match &self.last_report {
            None => self.current.findings(now),
            Some(last) if last.refused != refused || now.since(last.at) >= REPORT_INTERVAL => validity.into_iter().collect(),
            Some(_) => return Vec::new(),
        };
        self.last_report = Some(Report { at: now, refused });
        findings
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::time::SystemTime;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use rustls::pki_types::CertificateDer;

    use super::*;

    const HOST: &str = "tms.example.org";
    const HOUR: Duration = Duration::from_secs(60 * 60);
    /// 2026-11-20T12:00:00Z
    const NOW: Timestamp = Timestamp::from_millis(1_795_176_000_000);

    /// A certificate and its key in files, whose time of change is counted in seconds.
    struct Files {
        dir: tempfile::TempDir,
        changes: u64,
    }

    impl Files {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().expect("a folder"), changes: 0 }
        }

        fn paths(&self) -> [PathBuf; 2] {
            ["cert.pem", "key.pem"].map(|file| self.dir.path().join(file))
        }

        fn write(&mut self, file: &str, pem: &str) {
            let path = self.dir.path().join(file);
            fs::write(&path, pem).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
            self.changes += 1;
            let file = File::options().write(true).open(path).expect("there");
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(self.changes)).expect("set");
        }

        /// Writes both for a host and a year in which the certificate expires; returns the certificate.
        fn renew(&mut self, host: &str, expires: i32) -> CertificateDer<'static> {
            let mut params = CertificateParams::new([host.to_owned()]).expect("a name");
            params.not_after = date_time_ymd(expires, 12, 1);
            let key = KeyPair::generate().expect("a key");
            let certificate = params.self_signed(&key).expect("a certificate");
            self.write("cert.pem", &certificate.pem());
            self.write("key.pem", &key.serialize_pem());
            certificate.der().clone()
        }

        fn read(&self) -> OperatorCertificate {
            let [certificate, key] = self.paths();
            from_files(&certificate, &key, Some(HOST)).expect("valid")
        }
    }

    #[test]
    fn changed_files_replace_the_certificate() {
        let mut files = Files::new();
        let first = files.renew(HOST, 2030);
        let mut served = ServedCertificate::new(files.read());
        let (tls, before) = (served.tls(), served.tls().get_inner());
        assert!(served.reload_if_changed(NOW).is_none());
        assert_eq!(served.current.chain, [first]);

        let second = files.renew(HOST, 2031);
        assert_eq!(served.reload_if_changed(NOW), Some(Ok(())));
        assert_eq!(
            (&served.current.chain, served.expires_at().map(Timestamp::to_rfc3339)),
            (&vec![second], Some("2031-12-01T00:00:00+00:00".into()))
        );
        assert!(!std::sync::Arc::ptr_eq(&tls.get_inner(), &before), "the listener uses it");
        assert!(served.reload_if_changed(NOW).is_none());
    }

    #[test]
    fn invalid_files_do_not_replace_the_certificate() {
        let mut files = Files::new();
        let first = files.renew(HOST, 2030);
        let mut served = ServedCertificate::new(files.read());
        let in_use = served.tls().get_inner();
        type Change = fn(&mut Files);
        let changes: [(Change, &str); 7] = [
            (|files| files.write("cert.pem", "nothing"), "there is no certificate in"),
            (|files| drop(files.renew("other.example.org", 2030)), "is not for tms.example.org"),
            (|files| drop(files.renew(HOST, 2025)), "expired on 1 December 2025"),
            (|files| files.write("key.pem", "nothing"), "there is no private key in it"),
            (|files| files.write("key.pem", &KeyPair::generate().expect("a key").serialize_pem()), "is not the key of the certificate in"),
            (|files| fs::remove_file(&files.paths()[1]).expect("removed"), "--tls-key: cannot read"),
            (|files| fs::remove_file(&files.paths()[0]).expect("removed"), "--tls-cert: cannot read"),
        ];
        for (change, why) in changes {
            change(&mut files);
            for _ in 0..2 {
                let refused = served.reload_if_changed(NOW).expect("changed").expect_err(why);
                assert!(refused.contains(why), "{refused}");
            }
            assert!(served.current.chain == [first.clone()] && std::sync::Arc::ptr_eq(&served.tls().get_inner(), &in_use), "{why}");
        }
        files.renew(HOST, 2031);
        assert_eq!(served.reload_if_changed(NOW), Some(Ok(())), "once they are valid");
    }

    #[test]
    fn the_same_certificate_is_accepted_after_its_end() {
        let mut files = Files::new();
        files.renew(HOST, 2025);
        let served = ServedCertificate::new(files.read());
        assert_eq!(served.check_replacement(&files.read(), NOW), Ok(()));
        files.renew(HOST, 2025);
        assert!(served.check_replacement(&files.read(), NOW).is_err());
    }

    #[test]
    fn validity_is_reported_daily_and_when_it_ends() {
        let mut files = Files::new();
        files.renew(HOST, 2026);
        let mut served = ServedCertificate::new(files.read());
        let until = served.expires_at().expect("an end");
        let mut reported =
            |now| served.due_findings(now).into_iter().map(|finding| matches!(finding, CertificateFinding::Refused(_))).collect::<Vec<bool>>();
        let week_before = Timestamp::from_millis(until.as_millis() - 7 * 24 * 60 * 60 * 1_000);
        assert_eq!(reported(week_before), [false]);
        for hour in 1..24 {
            assert!(reported(week_before + HOUR * hour).is_empty(), "{hour}");
        }
        assert_eq!(reported(week_before + HOUR * 24), [false]);
        let last_day = until + HOUR * 2;
        assert_eq!(reported(Timestamp::from_millis(until.as_millis() - 1)), [false]);
        assert_eq!(reported(last_day), [true], "it has ended since");
        assert!(reported(last_day + HOUR * 23).is_empty());
        assert_eq!(reported(last_day + HOUR * 24), [true]);
    }
}
