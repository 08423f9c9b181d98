//! A client's server that receives logout tokens.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Router};
use serde::Deserialize;

#[derive(Clone)]
pub struct Receiver(Arc<Mutex<Received>>);

struct Received {
    url: String,
    status: u16,
    tokens: Vec<String>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/logout", listener.local_addr().expect("its address"));
        let receiver = Self(Arc::new(Mutex::new(Received { url, status: 200, tokens: Vec::new() })));
        let router = Router::new().route("/logout", post(logout)).with_state(receiver.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        receiver
    }

    pub fn url(&self) -> String {
        self.0.lock().expect("state").url.clone()
    }

    /// What it answers from now on; a redirect leads to itself.
    pub fn answer(&self, status: u16) {
        self.0.lock().expect("state").status = status;
    }

    /// Takes the tokens that it has received.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("state").tokens)
    }
}

#[derive(Deserialize)]
struct LogoutForm {
    logout_token: String,
}

async fn logout(State(receiver): State<Receiver>, Form(form): Form<LogoutForm>) -> Response {
    let mut received = receiver.0.lock().expect("state");
    received.tokens.push(form.logout_token);
    let status = StatusCode::from_u16(received.status).expect("a status");
    match status {
        // Many frameworks show a page.
        StatusCode::OK => (status, "x".repeat(100_000)).into_response(),
        status if status.is_redirection() => (status, [(header::LOCATION, received.url.clone())]).into_response(),
        status => status.into_response(),
    }
}
