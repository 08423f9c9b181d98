//! Pages on threads of their own. However many people load pages, a host that asks for a key at a login does not stand in their
//! queue: it has the other threads, and these make way for them.

use std::panic::resume_unwind;
use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tracing::{Instrument, Span};

/// How much less of a core they get than other threads while both want it (`nice`).
const NICENESS: i32 = 10;

/// Threads started by these, such as those that Leptos renders on, are as nice.
static RUNTIME: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let made = Builder::new_multi_thread().thread_name("pages").on_thread_start(lower_priority).enable_all().build();
    made.inspect_err(|error| tracing::error!(%error, "Pages get no threads of their own")).ok()
});

fn lower_priority() {
    // Not being allowed to would be odd, and no reason to stop.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}

/// Runs everything behind it there. A form that has begun is carried out to its end, with its session saved, also when its browser
/// closes the connection: it may be sent again, and the second submission gets the first one's result.
pub async fn run(request: Request, next: Next) -> Response {
    let to_its_end = request.method() == Method::POST;
    spawn(next.run(request), to_its_end).await
}

/// Finds an answer there.
pub async fn render(answer: impl Future<Output = Response> + Send + 'static) -> Response {
    spawn(answer, false).await
}

async fn spawn(answer: impl Future<Output = Response> + Send + 'static, to_its_end: bool) -> Response {
    let answer = answer.instrument(Span::current());
    let Some(threads) = RUNTIME.as_ref() else { return answer.await };
    let mut task = AbortOnDrop { task: threads.spawn(answer), run_to_completion: to_its_end };
    match (&mut task.task).await {
        Ok(response) => response,
        // For the layer that catches panics.
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Ends with its caller, unless it runs to its end: no page is rendered for a browser that has gone.
struct AbortOnDrop {
    task: JoinHandle<Response>,
    run_to_completion: bool,
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if !self.run_to_completion {
            self.task.abort();
        }
    }
}
