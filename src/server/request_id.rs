//! The id of a request: in its response, its log lines and its error page. It belongs to the task that responds; [`spawn`] and [`carry`] pass
//! it on to others.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use tokio::task::JoinHandle;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// 128 bits in lowercase hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex([u8; 32]);

impl Hex {
    fn encode(bytes: [u8; 16]) -> Self {
        let mut digits = [b'0'; 32];
        // The length is right.
        let _ = hex::encode_to_slice(bytes, &mut digits);
        Self(digits)
    }

    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The id of a request, and the trace that it is a part of, if a trusted proxy names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId {
    id: Hex,
    trace_id: Option<Hex>,
}

impl RequestId {
    pub fn as_str(&self) -> &str {
        self.id.as_str()
    }

    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_ref().map(Hex::as_str)
    }
}

/// As in a line of the log.
impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request_id={}", self.as_str())?;
        self.trace_id().map_or(Ok(()), |trace| write!(f, " trace_id={trace}"))
    }
}

/// Makes ids. They only have to differ, so that a generator in this process is enough: the operating system's would cost each request a call.
pub struct RequestIds(Mutex<StdRng>);

impl RequestIds {
    pub fn new(seed: [u8; 32]) -> Self {
        Self(Mutex::new(StdRng::from_seed(seed)))
    }

    pub fn generate(&self, trace_id: Option<Hex>) -> RequestId {
        let mut bytes = [0; 16];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
        RequestId { id: Hex::encode(bytes), trace_id }
    }
}

/// The trace id of a header `traceparent` (W3C Trace Context, §3.2.2); `None` if it is not valid.
pub fn trace_id(traceparent: &[u8]) -> Option<Hex> {
    let (version, rest) = traceparent.split_at_checked(2)?;
    let (fields, further) = rest.split_at_checked(53)?;
    let lowercase_hex = |text: &[u8]| text.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    // Only later versions may have further fields.
    let complete = if version == b"00" { further.is_empty() } else { further.first().is_none_or(|next| *next == b'-') };
    let [b'-', ids @ ..] = fields else { return None };
    let (trace, ids) = ids.split_at_checked(32)?;
    let [b'-', parent @ .., b'-', flag, flag_too] = ids else { return None };
    let valid = complete
        && version != b"ff"
        && [version, trace, parent, &[*flag, *flag_too]].into_iter().all(lowercase_hex)
        && [trace, parent].into_iter().all(|id| id.iter().any(|digit| *digit != b'0'));
    <[u8; 32]>::try_from(trace).ok().filter(|_| valid).map(Hex)
}

/// The id of the request to which this task responds.
pub fn current() -> Option<RequestId> {
    CURRENT.try_with(|id| *id).ok()
}

/// Responds to a request.
pub async fn scope<F: Future>(id: RequestId, response: F) -> F::Output {
    CURRENT.scope(id, response).await
}

/// A future for another task that belongs to the current request.
pub fn carry<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let id = current();
    async move {
        match id {
            Some(id) => scope(id, future).await,
            None => future.await,
        }
    }
}

/// A task that belongs to the current request.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(carry(future))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn trace_ids_are_those_of_valid_headers() {
        let id = |header: &str| trace_id(header.as_bytes()).map(|id| id.as_str().to_owned());
        for valid in [
            format!("00-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-00"),
            format!("01-{TRACE}-00f067aa0ba902b7-01"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01-what-comes-later"),
        ] {
            assert_eq!(id(&valid).as_deref(), Some(TRACE), "{valid}");
        }
        for invalid in [
            String::new(),
            TRACE.to_owned(),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{TRACE}-00f067aa0ba902b7-01\n"),
            format!("01-{TRACE}-00f067aa0ba902b7-01more"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("0x-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-0g"),
            format!("00_{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}_00f067aa0ba902b7-01"),
            format!("00-{TRACE} -0f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.replacen('f', "\n", 1)),
        ] {
            assert_eq!(id(&invalid), None, "{invalid}");
        }
    }

    #[tokio::test]
    async fn tasks_of_a_request_have_its_id() {
        let ids = RequestIds::new([7; 32]);
        let (first, second) = (ids.generate(None), ids.generate(trace_id(format!("00-{TRACE}-00f067aa0ba902b7-01").as_bytes())));
        assert!(first.as_str() != second.as_str() && first.as_str().len() == 32 && first.trace_id().is_none());
        assert_eq!(second.to_string(), format!("request_id={} trace_id={TRACE}", second.as_str()));
        let inside = scope(first, async { spawn(async { current() }).await.expect("no panic") });
        assert_eq!((inside.await, current()), (Some(first), None));
        assert_eq!(spawn(async { current() }).await.expect("no panic"), None);
    }
}
