//! tms-portal: see `docs/architecture.md` for the map. This file holds the rooms and the `cfg` lines; elsewhere there are
//! (nearly) none.

// Pages are types within types.
#![recursion_limit = "256"]

pub mod domain;

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

/// Wakes the islands; the browser calls it once the WASM is there.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
