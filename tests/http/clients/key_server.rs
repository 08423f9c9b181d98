//! A server on which a client publishes its keys.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

#[derive(Clone, Default)]
pub struct KeyServer(Arc<Mutex<Published>>);

#[derive(Default)]
struct Published {
    url: String,
    status: u16,
    body: String,
    fetches: usize,
}

impl KeyServer {
    pub async fn start(keys: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/jwks", listener.local_addr().expect("its address"));
        let server = Self(Arc::new(Mutex::new(Published { url, status: 200, body: keys, fetches: 0 })));
        let router = Router::new().route("/jwks", get(jwks)).with_state(server.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        server
    }

    pub fn url(&self) -> String {
        self.0.lock().expect("state").url.clone()
    }

    pub fn publish(&self, keys: String) {
        self.answer(200, keys);
    }

    pub fn answer(&self, status: u16, body: String) {
        let mut published = self.0.lock().expect("state");
        (published.status, published.body) = (status, body);
    }

    /// How often the keys were fetched.
    pub fn fetches(&self) -> usize {
        self.0.lock().expect("state").fetches
    }
}

async fn jwks(State(server): State<KeyServer>) -> Response {
    let mut published = server.0.lock().expect("state");
    published.fetches += 1;
    let status = StatusCode::from_u16(published.status).expect("a status");
    let location = status.is_redirection().then(|| [(header::LOCATION, published.url.clone())]);
    (status, location, published.body.clone()).into_response()
}
