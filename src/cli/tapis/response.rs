//! Tapis' envelope `{status, message, version, metadata, result}`, and which parts of it may be shown.

use oauth2::HttpResponse;
use oauth2::http::StatusCode;
use serde_json::Value;

use crate::cli::printable::Printable;

use super::secret::TapisSecret;

const MAX_MESSAGE_CHARS: usize = 120;
/// Longer words are keys, codes or tokens, and not shown.
const MAX_WORD_CHARS: usize = 24;
const ELLIPSIS: &str = "…";

/// A refusal of Tapis. Its messages echo the request, including keys and sessions of clients: everything after the first colon or
/// bracket is data and never shown.
#[derive(Debug)]
pub struct TapisErrorResponse {
    pub status: StatusCode,
    message: Printable,
}

/// The result, with or without its envelope, or the refusal; `None` if it is not a response of Tapis.
pub fn parse(response: &HttpResponse) -> Option<Result<Value, TapisErrorResponse>> {
    let Ok(Value::Object(mut envelope)) = serde_json::from_slice(response.body()) else {
        return None;
    };
    let failed = envelope.get("status").is_some_and(|status| status == "error");
    if failed || !response.status().is_success() {
        let message = envelope.get("message").and_then(Value::as_str).unwrap_or_default();
        return Some(Err(TapisErrorResponse { status: response.status(), message: Printable::new(message) }));
    }
    Some(Ok(envelope.remove("result").unwrap_or(Value::Object(envelope))))
}

impl TapisErrorResponse {
    /// Whether the message contains `words` (lower case); case, spaces and punctuation of the message are ignored.
    pub fn mentions(&self, words: &str) -> bool {
        let spoken = without_data(self.message.as_str()).to_lowercase();
        let spoken: Vec<&str> = spoken.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        spoken.join(" ").contains(words)
    }

    /// One short line for the terminal, without `secret`, which was part of the request.
    pub fn display_message(&self, secret: Option<&TapisSecret>) -> Printable {
        let message = match secret {
            Some(secret) => self.message.as_str().replace(secret.reveal(), ELLIPSIS),
            None => self.message.to_string(),
        };
        let words = without_data(&message).split_whitespace().map(|word| if word.chars().count() > MAX_WORD_CHARS { ELLIPSIS } else { word });
        let sentence: String = words.collect::<Vec<_>>().join(" ").chars().take(MAX_MESSAGE_CHARS).collect();
        match sentence.trim_end_matches('.') {
            "" => Printable::new(&format!("HTTP {}", self.status.as_u16())),
            sentence => Printable::new(sentence),
        }
    }
}

fn without_data(message: &str) -> &str {
    message.split([':', '{', '[']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> HttpResponse {
        let mut answer = HttpResponse::new(body.as_bytes().to_vec());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        answer
    }

    fn refusal(message: &str) -> TapisErrorResponse {
        TapisErrorResponse { status: StatusCode::BAD_REQUEST, message: Printable::new(message) }
    }

    #[test]
    fn results_are_parsed_with_and_without_envelope() {
        for (status, body, result) in [
            (200, r#"{"status":"success","message":"ok","version":"1","metadata":{},"result":{"a":1}}"#, r#"{"a":1}"#),
            (201, r#"{"result":{"a":1}}"#, r#"{"a":1}"#),
            (200, r#"{"a":1}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(parse(&answer(status, body)).unwrap().unwrap().to_string(), result);
        }
        for (status, body) in
            [(400, r#"{"status":"error","message":"no"}"#), (200, r#"{"status":"error","message":"no"}"#), (500, r#"{"message":"no"}"#)]
        {
            assert_eq!(parse(&answer(status, body)).unwrap().unwrap_err().display_message(None).as_str(), "no");
        }
        for body in ["<html>", "", "[]", "\"text\"", "{\"status\":"] {
            assert!(parse(&answer(200, body)).is_none(), "{body}");
        }
    }

    #[test]
    fn words_match_regardless_of_case_and_punctuation() {
        for message in ["device code not ready.", "Device Code Not Ready", "device_code  NOT\nready!", "Error (device code not ready)"] {
            assert!(refusal(message).mentions("not ready"), "{message}");
        }
        for message in ["No db_code found", "ready", "Invalid client credentials: not ready, key"] {
            assert!(!refusal(message).mentions("not ready"), "{message}");
        }
    }

    #[test]
    fn data_echoed_by_tapis_is_not_printed() {
        let secret = TapisSecret::try_from("s3cr:t".to_owned()).unwrap();
        for (message, shown) in [
            ("Invalid client credentials: my-client, client-key. session: <SecureCookieSession {'username': 'jdoe'}>", "Invalid client credentials"),
            ("No db_code found for s3cr:t", "No db_code found for …"),
            ("No db_code found for s3\u{200b}cr:t", "No db_code found for …"),
            ("No db_code found for Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4", "No db_code found for …"),
            ("Invalid POST data: [ValidationError(s3cr:t)].", "Invalid POST data"),
            ("Got {'key': 'x'}", "Got"),
            ("\u{1b}[31mtwo\r\nlines.", "HTTP 400"),
            ("two\r\nlines.", "two lines"),
            (": s3cr:t", "HTTP 400"),
            ("", "HTTP 400"),
        ] {
            assert_eq!(refusal(message).display_message(Some(&secret)).as_str(), shown, "{message}");
        }
        assert_eq!(refusal(&"word ".repeat(1000)).display_message(None).as_str().chars().count(), MAX_MESSAGE_CHARS);
    }
}
