//! tms-portal: `docs/architecture.md` is the map. The layers, and nearly all of the `cfg` lines.

// The types of pages are deeply nested.
#![recursion_limit = "256"]

pub mod domain;

#[cfg(any(feature = "ssr", feature = "cli"))]
pub mod command_docs;
#[cfg(any(feature = "ssr", feature = "cli"))]
pub mod environment;
#[cfg(any(feature = "ssr", feature = "cli"))]
pub mod proxy;
#[cfg(any(feature = "ssr", feature = "cli"))]
pub mod wire;

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod islands;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod server_fns;

#[cfg(feature = "ssr")]
pub mod i18n;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod server;

#[cfg(feature = "cli")]
pub mod cli;

#[cfg(feature = "keycmd")]
pub mod keycmd;

/// Hydrates the islands; the browser calls it once the WASM is loaded.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
