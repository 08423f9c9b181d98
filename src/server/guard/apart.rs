//! Pages on threads of their own. However many people load pages, a host that asks for a key at a login does not stand in their
//! queue: it has the other threads, and these make way for them.

use std::panic::resume_unwind;
use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tracing::{Instrument, Span};

/// How much less of a core they get than other threads while both want it (`nice`).
const NICE: i32 = 10;

/// Threads started by these, such as those that Leptos renders on, are as nice.
static THREADS: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let made = Builder::new_multi_thread().thread_name("pages").on_thread_start(make_way).enable_all().build();
    made.inspect_err(|error| tracing::error!(%error, "Pages get no threads of their own")).ok()
});

fn make_way() {
    // Not being allowed to would be odd, and no reason to stop.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
}

/// Runs everything behind it there.
pub async fn run(request: Request, next: Next) -> Response {
    answer(next.run(request)).await
}

/// Finds an answer there.
pub async fn answer(answer: impl Future<Output = Response> + Send + 'static) -> Response {
    let answer = answer.instrument(Span::current());
    let Some(threads) = THREADS.as_ref() else { return answer.await };
    let mut task = Ended(threads.spawn(answer));
    match (&mut task.0).await {
        Ok(response) => response,
        // For the layer that catches panics.
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Ends with whoever waits for it: nobody renders for a browser that has gone.
struct Ended(JoinHandle<Response>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}
