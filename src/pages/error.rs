//! Pages for when something does not work, that a person can use.

use leptos::prelude::*;

use super::components::{DocumentTitle, Frame};
use crate::domain::paths;

/// The page for a status. As a value in the context it replaces all pages.
#[derive(Clone, Copy)]
pub struct ErrorPage {
    pub status: u16,
}

impl ErrorPage {
    pub fn view(self) -> impl IntoView {
        let (title, sentence) = self.words();
        if let Ok(status) = self.status.try_into() {
            crate::server::context::set_status(status);
        }
        view! {
            <DocumentTitle title=title.to_owned() refused=true/>
            <Frame>
                <article class="page">
                    <h1>{title}</h1>
                    <p>{sentence}</p>
                    <p><a class="button" href=paths::HOME>"Go to the start page"</a></p>
                </article>
            </Frame>
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self.status {
            400 | 415 | 422 => ("That could not be read", "The form arrived damaged. Go back, reload the page, and send it again."),
            401 => ("Sign in first", "Your session has ended. Nothing was changed."),
            403 => (
                "That was refused",
                "The request did not come from a page of this portal. Nothing was changed. If you followed a link or a form from elsewhere, be careful.",
            ),
            404 => ("There is no such page", "The address may be mistyped, or the page may have moved."),
            405 => ("That does not work this way", "This address takes forms only. Go back to the page you came from."),
            413 => ("That was too much", "What was sent is larger than this page takes."),
            429 => ("Too many requests", "Wait a minute, then try again."),
            503 => ("Too busy", "The portal is very busy or being serviced. Wait a minute, look whether it was done, and only then try again."),
            _ => (
                "Something broke on our side",
                "It cannot be said whether it was done: look before you try again. If it stays like this, tell your centre’s help desk when it happened.",
            ),
        }
    }
}
